#!/usr/bin/env python3
"""A member of a many-to-many channel that knows ringway's format and nothing of its code.

Everything here is from the chapter `Many to many` of src/layout/SPEC.md; what is common to all kinds is attach.py's. Python
has no compare-and-swap, so this brings its own: fifteen bytes of x86_64 in a page that may be executed. It wakes who
sleeps, and never sleeps itself: it polls.

    many.py look NAME                  what an observer sees, without a lock or a mapping
    many.py send NAME FIRST COUNT      sends FIRST, FIRST + 1, ...
    many.py recv NAME [COUNT]          prints COUNT messages, or all until no sender is left; `*` stands behind marked ones
    many.py work NAME COUNT            the same by hands: takes, prints, commits
    many.py die NAME WHERE             is killed at a point: `sending` or `receiving`, right behind the claim; `holding`
"""

import ctypes
import fcntl
import mmap
import os
import signal
import struct
import sys
import time

from attach import MANY, MASK, MEMBERS, NAP, PAGE, SHARED, Header, Refused, Segment, is_held, lock, say

TAIL, HEAD = SHARED, SHARED + 128
EPOCH, HAD, WENT = SHARED + 256, SHARED + 264, SHARED + 272
MESSAGES, ROOM = SHARED + 384, SHARED + 512
ORPHANS, TOMBS, DROPPED = SHARED + 640, SHARED + 648, SHARED + 656
CLOSED = 1 << 63
FREE, FULL, TOMB = 0, 1, 2
PRESENT, LEFT, BROKEN = 1, 2, 32
LEASED, ORPHANED = 1, 2
LEFT_WELL, DIED = 1, 2
# In a member's entry; in `had_*` and `*_went` the receivers come first.
ENDS = {"sender": 20, "receiver": 24}
FUTEX_WAKE, ALL = 1, (1 << 31) - 1


class Atomics:
    """What Python lacks, as machine code: arguments in rdi, rsi, rdx, the result in rax."""

    CODE = {
        "swap": "4889f0 f0480fb117 0f94c0 0fb6c0 c3",  # mov rax,rsi; lock cmpxchg [rdi],rdx; sete al; movzx eax,al; ret
        "add": "4889f0 f0480fc107 c3",                 # mov rax,rsi; lock xadd [rdi],rax; ret
        "add_int": "89f0 f00fc107 c3",                 # mov eax,esi; lock xadd [rdi],eax; ret
        "fence": "0faef0 c3",                          # mfence; ret
    }

    def __init__(self, memory):
        self.base = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        try:
            page = mmap.mmap(-1, PAGE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        except OSError as error:
            raise NotImplementedError("no memory may be executed here") from error
        start = ctypes.addressof(ctypes.c_char.from_buffer(page))
        function = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64)
        self.page, at = page, 0
        for name, code in self.CODE.items():
            code = bytes.fromhex(code.replace(" ", ""))
            page[at:at + len(code)] = code
            setattr(self, "_" + name, function(start + at))
            at += 64
        self.syscall = ctypes.CDLL(None, use_errno=True).syscall

    def swap(self, offset, old, new):
        return bool(self._swap(self.base + offset, old, new))

    def add(self, offset, number):
        self._add(self.base + offset, number & MASK, 0)

    def add_int(self, offset, number):
        """What was there before."""
        return self._add_int(self.base + offset, number & 0xffffffff, 0) & 0xffffffff

    def fence(self):
        self._fence(0, 0, 0)

    def wake(self, offset, count):
        return self.syscall(ctypes.c_long(202), ctypes.c_void_p(self.base + offset), FUTEX_WAKE, count, None, None, 0)


class Ring:
    """Where things are in a segment, and what its words say."""

    def __init__(self, header, of=(MANY, 8, 8)):
        if (header.kind, header.type_size, header.type_align) != of:
            raise Refused("not a many-to-many channel of this kind, or of this type")
        self.header, self.capacity = header, header.capacity

    def member(self, index):
        return MEMBERS + index * 128

    def record(self, index):
        return self.header.records_at + index * 128

    def hand(self, index):
        return self.header.hands_at + index * self.header.hand_bytes

    def slot(self, position):
        return self.header.slots_at + position % self.capacity * self.header.frame_bytes

    def word(self, position, state, taken_over=0):
        return (position - position % self.capacity) << 8 | taken_over << 2 | state

    def says(self, word, position):
        """The state of the slot at this position; `before` or `after` if it is at another."""
        lap, mine = word >> 8, position - position % self.capacity
        return ("free", "full", "tomb")[word & 3] if lap == mine else "before" if lap < mine else "after"


def positions(claim):
    return range(claim >> 8, (claim >> 8) + (claim & 0xff))


def is_present(status):
    return status & (PRESENT | LEFT) == PRESENT


class Member:
    """A place that is held, with one end and one record."""

    # Kind, type_size, type_align.
    OF = (MANY, 8, 8)

    def __init__(self, name, role):
        self.segment = Segment(name)
        self.ring, self.atomics = Ring(self.segment.header, self.OF), Atomics(self.segment.memory)
        self.load, self.store, self.role, self.hand = self.segment.load, self.segment.store, role, None
        self.index = self.find_place()
        self.entry = self.ring.member(self.index)
        status = self.load(self.entry)
        if is_present(status):
            self.bury(self.index, status)
        with open("/proc/self/stat") as line:
            self.store(self.entry + 8, int(line.read().rsplit(")", 1)[1].split()[19]))
        for offset, number in (16, os.getpid()), (20, 0), (24, 0):
            self.segment.ints[(self.entry + offset) // 4] = number
        self.generation = (status >> 32) + 1 & 0xffffffff or 1
        self.store(self.entry, self.generation << 32 | PRESENT)
        self.me = self.generation << 32 | self.index << 8 | LEASED
        self.count(1)
        self.mine = self.lease(self.ring.record, self.segment.header.records)
        self.announce(0, 0)
        self.orphans_seen = None

    def find_place(self):
        for wants_dead in (False, True):
            for index in range(self.segment.header.members):
                if is_present(self.load(self.ring.member(index))) == wants_dead:
                    if lock(self.segment.life, 64 + index, fcntl.F_WRLCK):
                        return index
        self.segment.leave()
        raise Refused("as many are attached as can be")

    def count(self, number):
        """One end more, or less; told if it is the first, or was the last."""
        before = self.atomics.add_int(self.entry + ENDS[self.role], number)
        if (number, before) in ((1, 0), (-1, 1)):
            self.tell(HAD if number == 1 else WENT, self.role, 1 if number == 1 else LEFT_WELL)
            self.stir()

    def tell(self, word, role, what):
        self.segment.ints[(word + (4 if role == "sender" else 0)) // 4] = what

    def leave(self):
        self.count(-1)
        self.announce(0, 0)
        self.store(self.mine, 0)
        self.store(self.entry, self.generation << 32 | 1 << 8 | LEFT)
        self.stir()
        lock(self.segment.life, 64 + self.index, fcntl.F_UNLCK)
        self.segment.leave()

    # Waking.

    def wake_one(self, event):
        self.atomics.fence()
        arms = self.load(event)
        if arms != self.load(event + 8):
            self.atomics.add_int(event + 24, 1)
            if self.atomics.wake(event + 24, 1) == 0:
                self.store(event + 8, arms)  # calmed

    def stir(self):
        self.atomics.add(EPOCH, 1)
        for event in (MESSAGES, ROOM):
            self.atomics.fence()
            self.atomics.add_int(event + 24, 1)
            self.atomics.wake(event + 24, ALL)

    def leave_orphans(self):
        self.atomics.add(ORPHANS, 1)
        self.atomics.add(EPOCH, 1)
        self.wake_one(MESSAGES)

    # Who is there.

    def is_alive(self, index, generation):
        status = self.load(self.ring.member(index))
        if status >> 32 != generation or not is_present(status):
            return False
        return (index == self.index or is_held(self.segment.life, 64 + index)
                or self.load(self.ring.member(index)) != status)

    def bury_the_dead(self):
        for index in range(self.segment.header.members):
            status = self.load(self.ring.member(index))
            if is_present(status) and not self.is_alive(index, status >> 32):
                self.bury(index, status)

    def bury(self, index, status):
        owner = status >> 32 << 32 | index << 8
        for place in self.places():
            self.atomics.swap(place, owner | LEASED, owner | ORPHANED)
        for role, offset in ENDS.items():
            if self.segment.ints[(self.ring.member(index) + offset) // 4]:
                self.tell(WENT, role, DIED)
        self.leave_orphans()
        changed = status & ~(0xffffff << 8 | 0xff) | (status >> 8) + 1 << 8 & 0xffffff00 | LEFT | BROKEN
        if self.atomics.swap(self.ring.member(index), status, changed):
            self.stir()

    def places(self):
        header = self.segment.header
        return [*map(self.ring.record, range(header.records)), *map(self.ring.hand, range(header.hands))]

    def others_are(self):
        """`here`, `nobody` if none ever came, `left`, `died`, or `closed`."""
        if self.load(TAIL) & CLOSED:
            return "closed"
        role, word = ("receiver", 0) if self.role == "sender" else ("sender", 4)
        for index in range(self.segment.header.members):
            entry = self.ring.member(index)
            if is_present(self.load(entry)) and self.segment.ints[(entry + ENDS[role]) // 4]:
                return "here"
        if not self.segment.ints[(HAD + word) // 4]:
            return "nobody"
        return "died" if self.segment.ints[(WENT + word) // 4] == DIED else "left"

    # Records and hands.

    def lease(self, where, count):
        while True:
            for index in range(count):
                if self.atomics.swap(where(index), 0, self.me):
                    return where(index)
            time.sleep(NAP)

    def announce(self, producing, consuming):
        self.store(self.mine + 8, producing)
        self.store(self.mine + 16, consuming)

    def is_announced(self, position, offset):
        """Whether somebody who is alive has announced it: offset 8, producing; 16, consuming."""
        for index in range(self.segment.header.records):
            record = self.ring.record(index)
            if position in positions(self.load(record + offset)):
                owner = self.load(record)
                if owner & 0xff == LEASED and self.is_alive(owner >> 8 & 0xffff, owner >> 32):
                    return True
        return False

    # Recovering.

    def entomb(self, position):
        """False if it is perhaps theirs who are alive."""
        ring, slot = self.ring, self.ring.slot(position)
        if self.load(TAIL) & ~CLOSED <= position or self.load(slot) != ring.word(position, FREE):
            return True
        if self.is_announced(position, 8):
            return False
        while (tombs := self.load(TOMBS)) <= position:
            self.atomics.swap(TOMBS, tombs, position + 1)
        self.atomics.swap(slot, ring.word(position, FREE), ring.word(position, TOMB))
        return True

    def take_over(self, position):
        """A message and how often it was delivered, with this time; None; or `busy`."""
        ring, slot = self.ring, self.ring.slot(position)
        word = self.load(slot)
        if self.load(HEAD) <= position or ring.says(word, position) not in ("full", "tomb"):
            return None
        if self.is_announced(position, 16):
            return "busy"
        hands = (self.load(ring.hand(index) + 8) for index in range(self.segment.header.hands))
        taken_over = word >> 2 & 63
        if ring.says(word, position) == "tomb" or any(held and held >> 8 == position for held in hands) or taken_over == 63:
            self.atomics.swap(slot, word, ring.word(position + self.ring.capacity, FREE))
            return None
        self.announce(0, position << 8 | 1)
        if not self.atomics.swap(slot, word, ring.word(position, FULL, taken_over + 1)):
            return None
        return self.take(position, taken_over + 2)

    def sweep(self, record, take):
        """What `take` made of a position that a dead consumer had claimed; `busy` if something is left; or None."""
        owner = self.load(record)
        if owner & 0xff != ORPHANED:
            return None
        is_busy = not all([self.entomb(position) for position in positions(self.load(record + 8))])
        for position in positions(self.load(record + 16)):
            got = take(position)
            if got and got != "busy":
                return got
            is_busy = is_busy or got == "busy"
        if is_busy:
            return "busy"
        self.atomics.swap(record, owner, 0)
        return None

    def leave_it(self, position):
        """What a sender does with a message that a dead consumer had claimed."""
        says = self.ring.says(self.load(self.ring.slot(position)), position)
        return "busy" if self.load(HEAD) > position and says in ("full", "tomb") else None

    def seek(self):
        """A message that somebody has left, with how often it was delivered; None."""
        orphans, is_all = self.load(ORPHANS), True
        if orphans == self.orphans_seen:
            return None
        for record in map(self.ring.record, range(self.segment.header.records)):
            got = self.sweep(record, self.take_over)
            if got and got != "busy":
                return got
            is_all = is_all and got != "busy"
        for hand in map(self.ring.hand, range(self.segment.header.hands)):
            if got := self.adopt(hand):
                return got
        if is_all:
            self.orphans_seen = orphans
        return None

    def adopt(self, hand):
        owner = self.load(hand)
        if owner & 0xff != ORPHANED or not self.atomics.swap(hand, owner, self.me):
            return None
        held = self.load(hand + 8)
        if not held:
            self.store(hand, 0)
            return None
        position, delivery = held >> 8, min((held & 0xff) + 1, 255)
        word = self.load(self.ring.slot(position))
        if self.ring.says(word, position) == "full":
            self.atomics.swap(self.ring.slot(position), word, self.ring.word(position + self.ring.capacity, FREE))
        self.store(hand + 8, position << 8 | delivery)
        message = self.get(hand + self.segment.header.hand_offset)
        if self.hand is None:
            self.commit(hand)
        else:
            self.store(self.hand, 0)
            self.hand = hand
        return message, delivery

    def commit(self, hand):
        self.store(hand + 8, 0)
        self.store(hand, 0)

    # Messages.

    def get(self, at):
        return self.load(at)

    def put(self, at, message):
        self.store(at, message)

    def try_send(self, message, die=False):
        """True; or `full`, `held`, `closed`."""
        ring = self.ring
        while True:
            tail = self.load(TAIL)
            if tail & CLOSED:
                self.announce(0, 0)
                return "closed"
            word = self.load(ring.slot(tail))
            if word != ring.word(tail, FREE):
                head, says = self.load(HEAD), ring.says(self.load(ring.slot(tail)), tail)
                if self.load(TAIL) != tail or says == "free":
                    continue
                if says != "before" or tail < ring.capacity:
                    raise Refused(f"corrupt: the word at {tail} is {word:#x}")
                self.announce(0, 0)
                return "held" if head > tail - ring.capacity else "full"
            self.announce(tail << 8 | 1, 0)
            if self.atomics.swap(TAIL, tail, tail + 1):
                break
        if die:
            os.kill(os.getpid(), signal.SIGKILL)
        self.put(ring.slot(tail) + self.segment.header.payload_offset, message)
        self.store(ring.slot(tail), ring.word(tail, FULL))
        self.wake_one(MESSAGES)
        return True

    def send(self, message):
        """Why it could not be sent, if it could not."""
        while True:
            if (why := self.others_are()) not in ("here", "nobody"):
                return why
            if self.try_send(message) is True:
                return None
            self.bury_the_dead()
            if (orphans := self.load(ORPHANS)) != self.orphans_seen:
                self.orphans_seen = orphans
                for record in map(self.ring.record, range(self.segment.header.records)):
                    self.sweep(record, self.leave_it)
            if self.load(TOMBS) > self.load(HEAD):
                self.clear_tombs()
            time.sleep(NAP)

    def clear_tombs(self):
        while self.ring.says(self.load(self.ring.slot(head := self.load(HEAD))), head) == "tomb":
            self.announce(0, head << 8 | 1)
            if self.atomics.swap(HEAD, head, head + 1):
                self.free(head)
        self.announce(0, 0)

    def free(self, position):
        self.store(self.ring.slot(position), self.ring.word(position + self.ring.capacity, FREE))

    def take(self, position, delivery):
        """The message of a position that is ours: out, or into the hand."""
        message = self.get(self.ring.slot(position) + self.segment.header.payload_offset)
        if self.hand is not None:
            self.put(self.hand + self.segment.header.hand_offset, message)
            self.store(self.hand + 8, position << 8 | delivery)
        self.free(position)
        self.wake_one(ROOM)
        return message, delivery

    def try_recv(self, die=False):
        """A message and how often it was delivered; or None."""
        ring = self.ring
        if got := self.seek():
            return got
        while True:
            head = self.load(HEAD)
            says = ring.says(word := self.load(ring.slot(head)), head)
            if says not in ("full", "tomb"):
                tail, says = self.load(TAIL) & ~CLOSED, ring.says(self.load(ring.slot(head)), head)
                if self.load(HEAD) != head or says in ("full", "tomb"):
                    continue
                if says == "free" and tail > head:
                    self.entomb(head)
                elif says == "after" or tail > head:
                    raise Refused(f"corrupt: the word at {head} is {word:#x}")
                self.announce(0, 0)
                return None
            self.announce(0, head << 8 | 1)
            if not self.atomics.swap(HEAD, head, head + 1):
                continue
            if says == "full":
                if die:
                    os.kill(os.getpid(), signal.SIGKILL)
                return self.take(head, 1)
            self.free(head)

    def recv(self):
        """A message and its deliveries, and None; or None and why there is none any more."""
        while True:
            why = self.others_are()
            if got := self.try_recv():
                return got, None
            self.bury_the_dead()
            is_stuck = self.load(TAIL) & ~CLOSED > self.load(HEAD)
            if why not in ("here", "nobody") and not is_stuck and self.load(ORPHANS) == self.orphans_seen:
                return None, why
            time.sleep(NAP)


def look(name):
    """Reads, takes no lock, maps nothing."""
    file = os.open(f"/dev/shm/ringway.{os.geteuid()}.{name}", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    header = Header(os.pread(file, PAGE, 0), os.fstat(file).st_size)
    ring = Ring(header)

    def load(offset, form="Q"):
        return struct.unpack(form, os.pread(file, struct.calcsize(form), offset))[0]

    head, tail = load(HEAD), load(TAIL)
    states = [ring.says(load(ring.slot(at)), at) for at in range(head, tail & ~CLOSED)]
    tombs = states.count("tomb")
    say(f"sent {tail & ~CLOSED} received {head} depth {len(states) - tombs} tombs {tombs}")
    for index in range(header.members):
        entry = ring.member(index)
        if status := load(entry):
            life = ("left" if not status & BROKEN else "died") if status & LEFT else \
                "attached" if is_held(file, 64 + index) else "died"
            pid, senders, receivers = (load(entry + offset, "I") for offset in (16, 20, 24))
            say(f"member {index} {life} generation {status >> 32} pid {pid} senders {senders} receivers {receivers}")
    for index in range(header.hands):
        if held := load(ring.hand(index) + 8):
            say(f"hand {index} message {held >> 8} delivery {held & 0xff}")


def main(command, name, *rest):
    if command == "look":
        look(name)
    elif command == "send":
        member = Member(name, "sender")
        first, count = map(int, rest)
        say("joined")
        for message in range(first, first + count):
            if why := member.send(message):
                say(f"end {why}")
                return 1
        member.leave()
    elif command in ("recv", "work"):
        member, left = Member(name, "receiver"), int(rest[0]) if rest else -1
        say("joined")
        while left != 0:
            if command == "work":
                member.hand = member.lease(member.ring.hand, member.segment.header.hands)
            got, why = member.recv()
            if why:
                say(f"end {why}")
                if member.hand:
                    member.commit(member.hand)
                break
            say(f"{got[0]}{'*' if got[1] > 1 else ''}")
            if member.hand:
                member.commit(member.hand)
            left -= 1
        member.leave()
    elif command == "die":
        member = Member(name, "sender" if rest[0] == "sending" else "receiver")
        if rest[0] == "sending":
            member.try_send(0, die=True)
        elif rest[0] == "receiving":
            while True:
                member.try_recv(die=True)
        elif rest[0] == "holding":
            member.hand = member.lease(member.ring.hand, member.segment.header.hands)
            member.try_recv()
            os.kill(os.getpid(), signal.SIGKILL)
        raise Refused("nothing to die of")
    else:
        raise Refused(__doc__)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except (Refused, FileNotFoundError) as error:
        print(f"many.py: {error}", file=sys.stderr)
        sys.exit(3)
    except NotImplementedError as error:
        print(f"many.py: {error}", file=sys.stderr)
        sys.exit(4)
