#!/usr/bin/env python3
"""A peer for messages of bytes that knows ringway's format and nothing of its code.

Everything here is from the chapter `Messages of bytes` of src/layout/SPEC.md; what is common to all kinds is attach.py's.

    parts.py send NAME LENGTH ...      sends a message of each of these lengths
    parts.py recv NAME [COUNT]         prints length and sum of COUNT messages, or of all until the sender is gone
    parts.py begin NAME LENGTH         sends as much of a message as there is room for, and stays until it is killed
    parts.py take NAME                 takes the first part of a message, and stays until it is killed
"""

import sys
import time

import attach
from attach import BYTES, CONSUMER, NAP, PERSISTENT, PRODUCER, Refused, say, up

FIRST, LAST, PAD, CANCEL, SIZED = 1, 2, 4, 8, 16
BEGUN, REFUSED = PRODUCER + 16, CONSUMER + 32


def message(length):
    """The same as in tests/foreign_bytes.rs."""
    return bytes((at * 37 + at // 251 + length) & 255 for at in range(length))


def told(received):
    return f"{len(received)} {sum((at + 1) * byte for at, byte in enumerate(received))}"


class Sender(attach.Sender):
    OF = (BYTES, 1, 1)

    def take_up(self):
        super().take_up()
        segment, capacity = self.segment, self.segment.header.capacity // 8 * 8
        self.per = segment.header.per
        self.whole = min(self.per, (capacity // 2 + 4) // 8 * 8)
        self.chunk = min(self.per, max(24, capacity // 4 // 8 * 8))
        self.start = None
        begun = segment.load(BEGUN)
        if self.tail % 8 or begun and (begun - 1 > self.tail or (begun - 1) % 8):
            raise Refused(f"corrupt: tail {self.tail}, begun {begun}")
        if begun and begun - 1 < self.tail and self.has_room(8):
            self.publish(CANCEL, b"")
        segment.store(BEGUN, 0)

    def has_room(self, needs):
        for word in (CONSUMER + 128, CONSUMER):  # credit, head
            if self.limit - self.tail >= needs:
                break
            seen = self.segment.load(word)
            if seen > self.tail:
                raise Refused(f"corrupt: tail {self.tail}, head {seen}")
            self.limit = max(self.limit, seen + self.segment.header.capacity)
        return self.limit - self.tail >= needs

    def wait(self, needs):
        """Why there is no room, if there will be none."""
        is_kept = self.segment.header.lifetime == PERSISTENT
        while True:
            if self.start is not None and self.segment.load(REFUSED) > self.start:
                return "refused"
            why = self.peer_is()
            if why in ("left", "died") and not is_kept:
                return why
            if self.has_room(needs):
                return None
            time.sleep(NAP)

    def publish(self, marks, content):
        at, word, span = self.segment.place(self.tail), self.segment.word(self.tail), up(8 + len(content), 8)
        self.segment.store(at, marks << 32 | len(content))
        self.segment.memory[at + 8:at + 8 + len(content)] = content
        self.segment.store(word, self.tail + span)
        self.tail += span
        if self.tail % self.per == 0:
            self.segment.store(PRODUCER, self.tail)

    def send(self, content):
        """Why it could not be sent, if it could not."""
        left, span = self.per - self.tail % self.per, up(8 + len(content), 8)
        if span <= self.whole:
            if why := self.wait(span if span <= left else left + span):
                return why
            if span > left:
                self.publish(PAD, bytes(left - 8))
            return self.publish(FIRST | LAST, content)
        rest = content
        while self.start is None or rest:
            rest, why = self.part(rest, len(content))
            if why:
                if self.start is not None:
                    self.publish(CANCEL, b"")
                    self.over()
                return why
        return self.over()

    def over(self):
        self.segment.store(BEGUN, 0)
        self.start = None

    def part(self, rest, length):
        """Sends the next part; what is left then, or why not."""
        left = self.per - self.tail % self.per
        span, is_first = min(left, self.chunk), self.start is None
        if len(rest) <= span - 8:
            marks, count, needs = LAST, len(rest), up(8 + len(rest), 8)
        elif left < (24 if is_first else 16):
            marks, count, needs = PAD, 0, left + 8
        else:
            marks, count, needs = 0, span - (16 if is_first else 8), span + 8
        if why := self.wait(needs):
            return rest, why
        if marks == PAD:
            self.publish(PAD, bytes(left - 8))
            return rest, None
        front = b""
        if is_first:
            self.start = self.tail
            self.segment.store(BEGUN, self.start + 1)
            marks |= FIRST
            if not marks & LAST:
                marks, front = marks | SIZED, length.to_bytes(8, "little")
        self.publish(marks, front + rest[:count])
        return rest[count:], None

    def begin(self, length):
        rest = message(length)
        while self.has_room(self.chunk + 24):
            rest, _ = self.part(rest, length)


class Receiver(attach.Receiver):
    OF = (BYTES, 1, 1)

    def take_up(self):
        super().take_up()
        if self.head % 8:
            raise Refused(f"corrupt: head {self.head}")
        # What has come of the message that was begun, and how long it is to be.
        self.begun, self.announced = None, None

    def next_part(self):
        """Marks, announced length, the message's bytes, and what the part takes of the ring; or None."""
        segment = self.segment
        published = segment.next_word(self.head) - self.head
        if published == 0:
            return None
        at, in_frame = segment.place(self.head), segment.end_of_frame(self.head) - self.head
        header = segment.load(at)
        length, marks = header & 0xffffffff, header >> 32
        span = up(8 + length, 8)
        allowed = {FIRST | LAST: True, LAST: True, FIRST: length > 0, FIRST | SIZED: length > 8, 0: length > 0,
                   PAD: length == in_frame - 8, CANCEL: length == 0}
        if not allowed.get(marks) or span > published or published % 8:
            raise Refused(f"corrupt: the part at {self.head} is {header:#x}")
        content = bytes(segment.memory[at + 8:at + 8 + length])
        announced = None
        if marks & SIZED:
            announced, content = int.from_bytes(content[:8], "little"), content[8:]
            if announced <= len(content):
                raise Refused(f"corrupt: {announced} bytes announced")
        return marks, announced, b"" if marks == PAD else content, span

    def release(self, span):
        segment = self.segment
        self.head += span
        segment.store(CONSUMER, self.head)
        if self.head - self.credit >= max(1, segment.header.capacity // 4):
            self.credit = self.head
            segment.store(CONSUMER + 128, self.credit)

    def try_recv(self):
        """A message, or how many bytes had come of one that is nobody's; None: not yet."""
        while (part := self.next_part()) is not None:
            marks, announced, content, span = part
            if self.begun is not None and marks & (FIRST | CANCEL):
                if marks == CANCEL:
                    self.release(span)
                return self.nobodys()
            if self.begun is None and not marks & (FIRST | PAD | CANCEL):
                self.segment.store(REFUSED, self.head + span)
            elif marks & FIRST:
                self.begun, self.announced = content, announced
            elif self.begun is not None:
                self.begun += content
            self.release(span)
            if self.begun is not None and self.announced is not None and marks not in (PAD,):
                if (len(self.begun) == self.announced) != bool(marks & LAST) or len(self.begun) > self.announced:
                    raise Refused("corrupt: another length than announced")
            if marks & LAST and self.begun is not None:
                whole, self.begun = self.begun, None
                return whole
        return None

    def nobodys(self):
        taken, self.begun = len(self.begun), None
        return taken

    def recv(self):
        while True:
            if (got := self.try_recv()) is not None:
                return got, None
            if (why := self.peer_is()) in ("left", "died"):
                if (got := self.try_recv()) is not None:
                    return got, None
                return (self.nobodys(), None) if self.begun is not None else (None, why)
            time.sleep(NAP)


def main(command, name, *rest):
    if command == "send":
        end = Sender(name)
        say("joined")
        for length in map(int, rest):
            if why := end.send(message(length)):
                say(f"failed {length} {why}")
        end.leave()
    elif command == "recv":
        end, left = Receiver(name), int(rest[0]) if rest else -1
        say("joined")
        while left != 0:
            got, why = end.recv()
            if why:
                say(f"end {why}")
                break
            say(f"aborted {got}" if isinstance(got, int) else told(got))
            left -= 1
        end.leave()
    elif command in ("begin", "take"):
        if command == "begin":
            Sender(name).begin(int(rest[0]))
        else:
            end = Receiver(name)
            while (part := end.next_part()) is None:
                time.sleep(NAP)
            end.release(part[3])
        say("joined")
        while True:
            time.sleep(60)
    else:
        raise Refused(__doc__)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except (Refused, FileNotFoundError) as error:
        print(f"parts.py: {error}", file=sys.stderr)
        sys.exit(3)
