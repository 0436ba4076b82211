#!/usr/bin/env python3
"""A member of a many-to-many channel of bytes that knows ringway's format and nothing of its code.

Everything here is from the chapter `Bytes, many to many` of src/layout/SPEC.md; what kind 5 has of kind 3 is many.py's. It
receives at most once, as one does who commits each message before it looks at the next.

    lanes.py send NAME LENGTH ...          sends a message of each of these lengths
    lanes.py recv NAME [COUNT]             prints length and sum of COUNT messages, or of all until no sender is left
    lanes.py begin NAME LENGTH BYTES       sends the first BYTES of a message, says `poured`, and stays until it is killed
    lanes.py take NAME BYTES               receives the first BYTES of one, says `taken` and what of that it
                                           has given back, and stays until it is killed
    lanes.py refuse NAME                   as recv, but gives up what comes in rounds, in the first of them
"""

import sys
import time

import many
from attach import LANES, MASK, NAP, SHARED, Refused, say
from many import ALL, MESSAGES

PARCEL, INLINE = 120, 112
WITHIN, WHOLE_IN, THROUGH = 1, 2, 3
FREE, WRITING, WHOLE, QUEUED, READING, OFFERED, FLOWING, DONE, REFUSED, CUT = range(10)
THE_WRITERS = (WRITING, WHOLE, OFFERED, FLOWING, DONE, REFUSED)
FREE_LANES = SHARED + 896
ALL_OF_IT = 1 << 63
FILLED, WRITER_WAITS, WRITER_BELL, FREED, READER, READER_WAITS = 8, 16, 20, 128, 136, 144


def message(length):
    """The same as in tests/foreign_bytes_many.rs."""
    return bytes((at * 37 + at // 251 + length) & 255 for at in range(length))


def told(received):
    """FNV-1a, as the header's checksum."""
    total = 0xcbf29ce484222325
    for byte in received:
        total = (total ^ byte) * 0x100000001b3 & MASK
    return f"{len(received)} {total:016x}"


def parcel(kind, number, rest):
    return ((number << 8 | kind).to_bytes(8, "little") + rest).ljust(PARCEL, b"\0")


class Lane:
    """A lane in the life of one message."""

    def __init__(self, member, index, generation, writer):
        header = member.segment.header
        self.member, self.index, self.generation, self.writer = member, index, generation, writer
        self.at = header.words_at + index * 256
        behind = index - header.short_lanes
        self.length = header.short_bytes if behind < 0 else header.long_bytes
        self.start = header.short_at + index * self.length if behind < 0 else header.long_at + behind * self.length

    def own(self, phase):
        return self.generation << 24 | (self.writer << 8 if phase in THE_WRITERS else 0) | phase

    def phase(self):
        """None if its message is over."""
        own = self.load(0)
        return own & 255 if own >> 24 == self.generation else None

    def load(self, word):
        return self.member.load(self.at + word)

    def store(self, word, value):
        self.member.store(self.at + word, value)

    def step(self, before, behind):
        return self.member.atomics.swap(self.at, self.own(before), self.own(behind))

    def free(self, phase):
        """True if it was in this phase still."""
        is_ours = self.member.atomics.swap(self.at, self.own(phase), (self.generation + 1) << 24 & MASK)
        if is_ours:
            self.member.wake_one(FREE_LANES)
        return is_ours

    def tell_writer(self):
        self.member.atomics.fence()
        if self.member.segment.ints[(self.at + WRITER_WAITS) // 4] == 1:
            self.member.atomics.add_int(self.at + WRITER_BELL, 1)
            self.member.atomics.wake(self.at + WRITER_BELL, ALL)

    def tell_reader(self):
        self.member.atomics.fence()
        if self.member.segment.ints[(self.at + READER_WAITS) // 4] == 1:
            self.member.atomics.add_int(MESSAGES + 24, 1)
            self.member.atomics.wake(MESSAGES + 24, ALL)

    def pieces(self, first, end):
        """Where bytes `first` to `end` of the message lie, in at most two pieces."""
        while first < end:
            within = first % self.length
            count = min(end - first, self.length - within)
            yield first, self.start + within, count
            first += count

    def pour(self, content, first, end):
        for at, place, count in self.pieces(first, end):
            self.member.segment.memory[place:place + count] = content[at:at + count]
        self.store(FILLED, end | (ALL_OF_IT if end == len(content) else 0))

    def bytes(self, first, end):
        memory = self.member.segment.memory
        return b"".join(bytes(memory[place:place + count]) for _, place, count in self.pieces(first, end))


class Member(many.Member):
    OF = (LANES, PARCEL, 8)

    def get(self, at):
        return bytes(self.segment.memory[at:at + PARCEL])

    def put(self, at, content):
        self.segment.memory[at:at + PARCEL] = content

    def lanes(self):
        return self.segment.header.short_lanes + self.segment.header.long_lanes

    def bury(self, index, status):
        for at in range(self.lanes()):
            own = self.load(self.segment.header.words_at + at * 256)
            phase, lane = own & 255, Lane(self, at, own >> 24, index)
            if phase not in THE_WRITERS or own >> 8 & 0xffff != index or self.load(self.ring.member(index)) != status:
                continue
            if phase == FLOWING:
                if lane.step(FLOWING, CUT):
                    lane.tell_reader()
            else:
                lane.free(phase)
        super().bury(index, status)

    def stir(self):
        super().stir()
        self.atomics.fence()
        self.atomics.add_int(FREE_LANES + 24, 1)
        self.atomics.wake(FREE_LANES + 24, ALL)

    # Sending.

    def take_lane(self, length):
        """A lane, and None; or None and why there is none."""
        header = self.segment.header
        while True:
            if (why := self.others_are()) not in ("here", "nobody"):
                return None, why
            for index in range(0 if length <= header.short_bytes else header.short_lanes, self.lanes()):
                own = self.load(header.words_at + index * 256)
                lane = Lane(self, index, own >> 24, self.index)
                if own & 255 == FREE and self.atomics.swap(lane.at, own, lane.own(WRITING)):
                    for word in FILLED, FREED, READER:
                        lane.store(word, 0)
                    self.segment.ints[(lane.at + WRITER_WAITS) // 4] = 0
                    self.segment.ints[(lane.at + READER_WAITS) // 4] = 0
                    return lane, None
            self.bury_the_dead()
            time.sleep(NAP)

    def send(self, content):
        """Why it could not be sent, if it could not."""
        if len(content) <= INLINE:
            return super().send(parcel(WITHIN, len(content), content))
        lane, why = self.take_lane(len(content))
        if why:
            return why
        if len(content) > lane.length:
            return self.stream(lane, content, len(content))
        lane.pour(content, 0, len(content))
        lane.step(WRITING, WHOLE)
        if why := super().send(self.ticket(WHOLE_IN, lane, len(content))):
            lane.free(WHOLE)
            return why
        lane.step(WHOLE, QUEUED)
        return None

    @staticmethod
    def ticket(kind, lane, length):
        return parcel(kind, lane.index, lane.generation.to_bytes(8, "little") + length.to_bytes(8, "little"))

    def stream(self, lane, content, most):
        """The same of a message that is longer than the lane. Stays when so many bytes have been taken."""
        poured = min(lane.length, most)
        lane.pour(content, 0, poured)
        lane.step(WRITING, OFFERED)
        if why := super().send(self.ticket(THROUGH, lane, len(content))):
            lane.free(OFFERED)
            return why
        while True:
            phase, freed = lane.phase(), lane.load(FREED)
            if freed > poured:
                raise Refused(f"corrupt: {freed} bytes freed of {poured}")
            if phase in (DONE, REFUSED):
                lane.free(phase)
                return None if phase == DONE else "refused"
            if poured < most and freed + lane.length > poured:
                before, poured = poured, min(most, freed + lane.length)
                lane.pour(content, before, poured)
                lane.tell_reader()
                continue
            if freed == most < len(content):
                say("poured")
                time.sleep(3600)
            if why := self.reader_is_gone(lane, phase):
                return why
            self.bury_the_dead()
            time.sleep(NAP)

    def reader_is_gone(self, lane, phase):
        """Why nobody will read what is being written."""
        reader = lane.load(READER)
        if phase == FLOWING and reader:
            if not self.is_alive(reader >> 8 & 0xffff, reader >> 32) and lane.free(FLOWING):
                return "died"
        elif (why := self.others_are()) not in ("here", "nobody"):
            if phase == OFFERED and lane.free(OFFERED):
                return why
            if phase == FLOWING and lane.step(FLOWING, CUT):
                lane.tell_reader()
                return why
        return None

    # Receiving.

    def recv(self, until=None):
        """A message, or how many bytes had come of one that was cut, and None; None and why there are no more."""
        while True:
            self.hand = self.lease(self.ring.hand, self.segment.header.hands)
            got, why = super().recv()
            what = None if why else self.follow(got[0], until)
            self.commit(self.hand)
            self.hand = None
            if why or what is not None:
                return what, why

    def follow(self, ticket, until):
        """What a parcel stands for; None if it is over."""
        kind, number = ticket[0], int.from_bytes(ticket[1:8], "little")
        generation, length = (int.from_bytes(ticket[at:at + 8], "little") for at in (8, 16))
        if kind == WITHIN and number <= INLINE:
            return ticket[8:8 + number]
        if kind not in (WHOLE_IN, THROUGH) or number >= self.lanes():
            raise Refused(f"corrupt: a parcel {kind} of {number}")
        while True:
            own = self.load(self.segment.header.words_at + number * 256)
            if own >> 24 != generation:
                return None
            phase, lane = own & 255, Lane(self, number, generation, own >> 8 & 0xffff)
            if kind == WHOLE_IN and phase in (WHOLE, QUEUED, READING):
                if phase != READING and not lane.step(phase, READING):
                    continue
                if length > lane.length or lane.load(FILLED) != length | ALL_OF_IT:
                    raise Refused(f"corrupt: {length} bytes in a lane of {lane.length}")
                content = lane.bytes(0, length)
                lane.free(READING)
                return content
            if kind == THROUGH and phase == OFFERED:
                if lane.step(OFFERED, FLOWING):
                    lane.store(READER, self.me)
                    lane.tell_writer()
                    return self.drain(lane, until)
                continue
            if kind == THROUGH and phase in (WHOLE, QUEUED, READING):
                raise Refused("corrupt: the whole message is in a lane that it was to come through")
            if phase == FLOWING:
                if lane.step(FLOWING, REFUSED):
                    lane.tell_writer()
                    return None
                continue
            if phase == CUT:
                lane.free(CUT)
            return None

    def drain(self, lane, until):
        content = b""
        while True:
            is_cut, filled = lane.phase() != FLOWING, lane.load(FILLED)
            end, is_all = filled & ~ALL_OF_IT, bool(filled & ALL_OF_IT)
            if is_cut:
                lane.free(CUT)
                return len(content)
            if not len(content) <= end <= len(content) + lane.length:
                raise Refused(f"corrupt: {end} bytes filled, {len(content)} taken")
            if end > len(content):
                content += lane.bytes(len(content), end)
                if until and len(content) >= until:
                    return self.stop(lane, until)
                lane.store(FREED, len(content))
                lane.tell_writer()
            if is_all:
                if lane.step(FLOWING, DONE):
                    lane.tell_writer()
                    return content
            elif end == len(content):
                self.bury_the_dead()
                time.sleep(NAP)

    @staticmethod
    def stop(lane, until):
        """In the middle of a message: gives it up, or waits for its end here."""
        if until > 1:
            say(f"taken {lane.load(FREED)}")
            time.sleep(3600)
        lane.step(FLOWING, REFUSED)
        lane.tell_writer()


def main(command, name, *rest):
    if command in ("send", "begin"):
        member = Member(name, "sender")
        say("joined")
        if command == "begin":
            content = message(int(rest[0]))
            lane, _ = member.take_lane(len(content))
            member.stream(lane, content, int(rest[1]))
        for length in map(int, rest):
            if why := member.send(message(length)):
                say(f"failed {length} {why}")
        member.leave()
    elif command in ("recv", "take", "refuse"):
        member, left = Member(name, "receiver"), int(rest[0]) if rest else -1
        until = {"recv": None, "take": left, "refuse": 1}[command]
        say("joined")
        while left != 0:
            got, why = member.recv(until)
            if why:
                say(f"end {why}")
                break
            say(f"aborted {got}" if isinstance(got, int) else told(got))
            left -= 1
        member.leave()
    else:
        raise Refused(__doc__)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except (Refused, FileNotFoundError) as error:
        print(f"lanes.py: {error}", file=sys.stderr)
        sys.exit(3)
    except NotImplementedError as error:
        print(f"lanes.py: {error}", file=sys.stderr)
        sys.exit(4)
