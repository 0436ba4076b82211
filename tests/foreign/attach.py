#!/usr/bin/env python3
"""A peer that knows ringway's format and nothing of its code.

Everything here is from src/layout/SPEC.md. It attaches to a segment that somebody else has created, as the producer or the
consumer of u64 messages (kind 1; many.py is a peer of kind 3, parts.py one of kind 4, lanes.py one of kind 5). It cannot make the futex call, so it polls, and says so (MUTE): the other end then sleeps at most
a millisecond at a time. It relies on the order of stores that x86_64 keeps.

    attach.py header NAME              the header, one field a line
    attach.py recv NAME [COUNT]        prints COUNT messages, or all until the sender is gone and why it is
    attach.py send NAME FIRST COUNT    sends FIRST, FIRST + 1, ...
    attach.py stamp NAME               for each line of its input, sends the nanoseconds of the monotonic clock
    attach.py hold NAME ROLE [COUNT]   joins, sends or receives COUNT messages, and stays until it is killed
"""

import ctypes
import errno
import fcntl
import mmap
import os
import stat
import struct
import sys
import time

PAGE, PRODUCER, CONSUMER, FRAMES = 4096, 4096, 8192, 12288
SHARED, MEMBERS = 4096, 8192
INLINE, TABLE = 1, 2
MANY, BYTES, LANES = 3, 4, 5
EPHEMERAL, PERSISTENT = 1, 2
GATE, ROLES = 0, {"sender": 2, "receiver": 3}
PRESENT, LEFT, QUIET, WAS_QUIET, MUTE = 1, 2, 4, 8, 16
MASK = (1 << 64) - 1
NAP = 0.0001


class Refused(Exception):
    """The file is no segment that this program can use, or a role is taken."""


def must(what, found, expected):
    if found != expected:
        raise Refused(f"{what} is {found}, not {expected}")


def up(number, unit):
    return (number + unit - 1) // unit * unit


class Header:
    """The header, checked: every number is what the others make it."""

    FIELDS = "version header_bytes order_mark kind total_bytes instance capacity type_size type_align type_tag " \
             "per frames frame_bytes payload_offset placement lifetime regions checksum state members records hands " \
             "short_lanes short_bytes long_lanes long_bytes annexes"

    def __init__(self, page, file_len):
        must("length of the header", len(page), PAGE)
        magic, *values = struct.unpack_from("<8s I I 4s I Q 16s Q Q Q Q Q Q Q Q I I I 4x Q I I I I I I I I I", page)
        must("magic", magic, b"ringway\0")
        for name, value in zip(self.FIELDS.split(), values, strict=True):
            setattr(self, name, value)
        must("version", self.version, 4)
        must("order_mark", self.order_mark, b"\1\2\3\4")
        must("header_bytes", self.header_bytes, PAGE)
        must("state", self.state, 1)
        must("checksum", self.checksum, self.sum(page))
        if self.lifetime not in (EPHEMERAL, PERSISTENT) or (self.kind, self.lifetime) == (2, PERSISTENT):
            raise Refused("lifetime is 1, or of other kinds than 2 also 2")
        if self.kind not in (1, 2, MANY, BYTES, LANES) or self.placement not in (INLINE, TABLE):
            raise Refused("kind is 1 to 5, and placement 1 or 2")
        if not 1 <= self.capacity <= 1 << 48:
            raise Refused("capacity is 1 to 2^48")
        if self.type_align not in (1 << n for n in range(13)) or self.type_size % self.type_align:
            raise Refused("type_align is a power of two up to 4096 that divides type_size")
        self.geometry()
        self.memory, self.shm_id, _, self.ipc_namespace = struct.unpack_from("<I i I Q", page, 196)
        if self.memory not in (0, 1) or self.shm_id < 0:
            raise Refused("memory is 0 or 1, and there is a System V segment")
        must("length of the file", file_len, PAGE if self.memory else self.total_bytes)
        table = self.table()
        must("regions", self.regions, len(table))
        for at, entry in enumerate(table):
            must(f"region {at}", struct.unpack_from("<I I Q Q Q", page, 256 + 32 * at), entry)

    @staticmethod
    def sum(page):
        total = 0xcbf29ce484222325
        for byte in page[:128] + bytes(8) + page[136:]:
            total = (total ^ byte) * 0x100000001b3 & MASK
        return total

    def geometry(self):
        self.stride = max(1, self.type_size)
        inline = self.placement == INLINE
        offset = max(8, self.type_align)
        if self.kind in (MANY, LANES):
            return self.many(offset)
        must("payload_offset", self.payload_offset, offset if inline else 0)
        if self.frame_bytes < self.payload_offset + self.stride or self.frame_bytes % (offset if inline else self.stride):
            raise Refused("frame_bytes has room for a message and is a multiple of its unit")
        must("per", self.per, (self.frame_bytes - self.payload_offset) // self.stride)
        must("frames", self.frames, -(-(self.capacity - 1) // self.per) + 1)
        if self.kind == BYTES and (self.capacity < 32 or self.per % 8 or not 24 <= self.per <= 1 << 30):
            raise Refused("a ring for messages of bytes has 32 bytes, and frames of a multiple of 8 from 24 to 2^30")
        self.payload = FRAMES if inline else up(FRAMES + self.frames * 128, PAGE)
        must("total_bytes", self.total_bytes, up(self.payload + self.frames * self.frame_bytes, PAGE))

    def many(self, offset):
        """The tables and the slots of a many-to-many segment."""
        if not all(1 <= n <= 4096 for n in (self.members, self.records, self.hands)) or self.type_size > 4096:
            raise Refused("members, records and hands are 1 to 4096, and a message has at most 4096 bytes")
        self.hand_offset = max(16, self.type_align)
        self.hand_bytes = up(self.hand_offset + self.stride, max(128, self.type_align))
        self.records_at = MEMBERS + self.members * 128
        end = self.records_at + self.records * 128
        self.hands_at = end if self.hand_bytes == 128 else up(end, PAGE)
        end = up(self.hands_at + self.hands * self.hand_bytes, PAGE)
        self.slots_at = self.lanes(end) if self.kind == LANES else end
        must("placement", self.placement, INLINE)
        must("payload_offset", self.payload_offset, offset)
        if self.frame_bytes < offset + self.stride or self.frame_bytes % offset:
            raise Refused("frame_bytes has room for a message and is a multiple of its unit")
        must("per", self.per, 1)
        must("frames", self.frames, self.capacity)
        must("total_bytes", self.total_bytes, up(self.slots_at + self.capacity * self.frame_bytes, PAGE))

    def lanes(self, words_at):
        """Where the lanes of a segment for messages of bytes lie, and where they end."""
        short, long = self.short_lanes * self.short_bytes, self.long_lanes * self.long_bytes
        if self.short_lanes > 4096 or self.annexes > 4096 or not 1 <= self.long_lanes <= 4096:
            raise Refused("there are up to 4096 lanes of each kind, and a long one at least")
        lengths = [self.long_bytes] + [self.short_bytes] * (self.short_lanes > 0)
        if any(length % PAGE or not PAGE <= length <= 1 << 30 for length in lengths) or lengths[-1] > lengths[0]:
            raise Refused("a lane has a multiple of 4096 bytes up to 1 GiB, and a short one no more than a long one")
        self.words_at = words_at
        self.short_at = up(words_at + (self.short_lanes + self.long_lanes + self.annexes) * 256, PAGE)
        self.long_at = self.short_at + short
        return self.long_at + long

    def table(self):
        if self.kind in (MANY, LANES):
            tables = [(6, 1, SHARED, PAGE, PAGE), (7, 1, MEMBERS, self.members * 128, 128),
                      (8, 1, self.records_at, self.records * 128, 128),
                      (9, 1, self.hands_at, self.hands * self.hand_bytes, self.hand_bytes)]
            if self.kind == LANES:
                tables += [(10, 1, self.words_at, (self.short_lanes + self.long_lanes + self.annexes) * 256, 256),
                           (11, 1, self.short_at, self.short_lanes * self.short_bytes, self.short_bytes),
                           (12, 1, self.long_at, self.long_lanes * self.long_bytes, self.long_bytes)]
            return [*tables, (3, 1, self.slots_at, self.capacity * self.frame_bytes, self.frame_bytes)]
        ends = [(1, 1, PRODUCER, PAGE, PAGE), (2, 1, CONSUMER, PAGE, PAGE)]
        frames = self.frames * self.frame_bytes
        if self.placement == INLINE:
            return [*ends, (3, 1, FRAMES, frames, self.frame_bytes)]
        return [*ends, (4, 1, FRAMES, self.frames * 128, 128), (5, 1, self.payload, frames, self.frame_bytes)]


def flock(kind, n):
    return struct.pack("hhqqi4x", kind, os.SEEK_SET, (1 << 62) + n, 1, 0)


def lock(descriptor, n, kind):
    """Takes, changes or gives back a lock byte; False if others hold it."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, flock(kind, n))
        return True
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise


def is_held(descriptor, n):
    found = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, flock(fcntl.F_WRLCK, n))
    return struct.unpack("hhqqi4x", found)[0] != fcntl.F_UNLCK


class SystemV:
    """The System V segment that a companion names."""

    IPC_RMID = 0

    def __init__(self, header):
        self.id, self.len = header.shm_id, header.total_bytes
        must("IPC namespace", os.stat("/proc/thread-self/ns/ipc").st_ino, header.ipc_namespace)
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.shmat.restype = ctypes.c_void_p

    def check(self):
        with open("/proc/sysvipc/shm") as table:
            columns, *rows = [line.split() for line in table]
        for row in (dict(zip(columns, row)) for row in rows):
            if int(row["shmid"]) == self.id:
                must("mode of the System V segment", int(row["perms"], 8) & 0o1022, 0)
                found = tuple(int(row[column]) for column in ("uid", "cuid", "size"))
                return must("owner and size of the System V segment", found, (os.geteuid(), os.geteuid(), self.len))
        raise Refused("the System V segment is gone")

    def attach(self, head):
        self.check()
        base = self.libc.shmat(self.id, None, 0)
        if base == ctypes.c_void_p(-1).value:
            raise Refused("the System V segment cannot be attached")
        # From here on the number is nobody else's.
        self.check()
        memory = memoryview((ctypes.c_ubyte * self.len).from_address(base)).cast("B")
        must("beginning of the System V segment", bytes(memory[:48]), head)
        return memory

    def remove(self, head):
        """The caller has the gate alone."""
        self.attach(head)
        must("removal of the System V segment", self.libc.shmctl(self.id, self.IPC_RMID, None), 0)


class Segment:
    """An attachment: the life descriptor, which holds the locks, and the mapping, made through another one."""

    def __init__(self, name):
        self.path = f"/dev/shm/ringway.{os.geteuid()}.{name}"
        flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        self.life = os.open(self.path, flags)
        seen = os.fstat(self.life)
        if not stat.S_ISREG(seen.st_mode) or seen.st_nlink != 1 or seen.st_uid != os.geteuid() or seen.st_mode & 0o022:
            raise Refused("not a file of ours alone")
        self.header = Header(os.pread(self.life, PAGE, 0), seen.st_size)
        if self.header.lifetime == EPHEMERAL and lock(self.life, GATE, fcntl.F_WRLCK):
            self.unlink()
            raise Refused("stale: nobody is attached")
        if not lock(self.life, GATE, fcntl.F_RDLCK) or not self.has_name():
            raise Refused("somebody is removing it")
        data = os.open(self.path, flags)
        if not os.path.samestat(seen, os.fstat(data)):
            raise Refused("another file")
        if self.header.memory:
            self.memory = SystemV(self.header).attach(os.pread(data, 48, 0))
        else:
            self.memory = mmap.mmap(data, self.header.total_bytes)
        os.close(data)
        # Items of these views are loaded and stored as one.
        self.longs, self.ints = memoryview(self.memory).cast("Q"), memoryview(self.memory).cast("I")

    def has_name(self):
        try:
            return os.path.samestat(os.stat(self.path, follow_symlinks=False), os.fstat(self.life))
        except FileNotFoundError:
            return False

    def unlink(self):
        if self.header.memory:
            SystemV(self.header).remove(os.pread(self.life, 48, 0))
        if self.has_name():
            os.unlink(self.path)

    def leave(self):
        if self.header.lifetime == EPHEMERAL:
            alone = lock(self.life, GATE, fcntl.F_WRLCK)
            if not alone:
                lock(self.life, GATE, fcntl.F_UNLCK)
                alone = lock(self.life, GATE, fcntl.F_WRLCK)
            if alone:
                self.unlink()
        lock(self.life, GATE, fcntl.F_UNLCK)
        os.close(self.life)

    def load(self, offset):
        return self.longs[offset // 8]

    def store(self, offset, value):
        self.longs[offset // 8] = value

    def word(self, position):
        """Where the word of the frame that holds this position lies."""
        frame = position // self.header.per % self.header.frames
        return FRAMES + frame * (self.header.frame_bytes if self.header.placement == INLINE else 128)

    def place(self, position):
        frame, place = divmod(position, self.header.per)
        frame %= self.header.frames
        at = self.header.payload + frame * self.header.frame_bytes + self.header.payload_offset
        return at + place * self.header.stride

    def end_of_frame(self, position):
        return (position // self.header.per + 1) * self.header.per

    def next_word(self, position):
        """What the word says: a position above this one, or this one if nothing is there."""
        word = self.load(self.word(position))
        if word > self.end_of_frame(position):
            raise Refused(f"corrupt: the word at {position} is {word}")
        return max(word, position)


class End:
    """A role that is held."""

    # Kind, type_size, type_align.
    OF = (1, 8, 8)

    def __init__(self, name, role):
        self.segment = segment = Segment(name)
        if (segment.header.kind, segment.header.type_size, segment.header.type_align) != self.OF:
            raise Refused("not a channel of this kind, or of this type")
        self.byte = ROLES[role]
        if not lock(segment.life, self.byte, fcntl.F_WRLCK):
            segment.leave()
            raise Refused(f"there is a {role} already")
        # Its own lines: status, armed; bell, echo; pid, started. The other end's alike.
        producer, consumer = PRODUCER + 128, CONSUMER + 256
        self.own, self.peer = (producer, consumer) if role == "sender" else (consumer, producer)
        self.peer_byte = 5 - self.byte
        self.take_up()
        with open("/proc/self/stat") as line:
            started = int(line.read().rsplit(")", 1)[1].split()[19])
        segment.ints[(self.own + 256) // 4] = os.getpid()
        segment.store(self.own + 264, started)
        segment.ints[(self.own + 8) // 4] = segment.ints[(self.peer + 128) // 4]
        generation = (segment.load(self.own) >> 32) + 1 & 0xffffffff or 1
        self.status = generation << 32 | PRESENT | QUIET | WAS_QUIET | MUTE
        segment.store(self.own, self.status)

    def peer_is(self):
        """`here`, `left`, `died`, or `nobody` if none ever came."""
        status = self.segment.load(self.peer)
        self.segment.store(self.own + 136, status)  # echo
        if status & LEFT:
            return "left"
        if not status & PRESENT:
            return "nobody"
        if is_held(self.segment.life, self.peer_byte) or self.segment.load(self.peer) != status:
            return "here"
        return "died"

    def leave(self):
        self.segment.store(self.own, self.status & ~0xff | 1 << 8 | LEFT | WAS_QUIET)
        lock(self.segment.life, self.byte, fcntl.F_UNLCK)
        self.segment.leave()


class Sender(End):
    def __init__(self, name):
        super().__init__(name, "sender")

    def take_up(self):
        segment, capacity = self.segment, self.segment.header.capacity
        head = segment.load(CONSUMER)
        self.tail = max(segment.load(PRODUCER), head)
        while (word := segment.next_word(self.tail)) > self.tail:
            self.tail = word
        if self.tail - head > capacity:
            raise Refused(f"corrupt: head {head}, tail {self.tail}")
        self.limit = head + capacity
        segment.store(PRODUCER, self.tail)

    def has_room(self):
        if self.tail == self.limit:
            for word in (CONSUMER + 128, CONSUMER):  # credit, head
                seen = self.segment.load(word)
                if seen > self.tail:
                    raise Refused(f"corrupt: tail {self.tail}, head {seen}")
                self.limit = max(self.limit, seen + self.segment.header.capacity)
                if self.tail < self.limit:
                    return True
            return False
        return True

    def send(self, message):
        """Why it could not be sent, if it could not."""
        is_kept = self.segment.header.lifetime == PERSISTENT
        while not self.has_room():
            if (why := self.peer_is()) in ("left", "died") and not is_kept:
                return why
            time.sleep(NAP)
        if self.segment.load(self.peer) & LEFT and not is_kept:
            return "left"
        self.segment.store(self.segment.place(self.tail), message)
        self.segment.store(self.segment.word(self.tail), self.tail + 1)
        self.tail += 1
        if self.tail % self.segment.header.per == 0:
            self.segment.store(PRODUCER, self.tail)
        return None

    def leave(self):
        self.segment.store(PRODUCER + 8, self.tail + 1)  # closed
        super().leave()


class Receiver(End):
    def __init__(self, name):
        super().__init__(name, "receiver")

    def take_up(self):
        segment = self.segment
        self.head, self.credit = segment.load(CONSUMER), segment.load(CONSUMER + 128)
        if self.head >> 56 or self.credit > self.head:
            raise Refused(f"corrupt: head {self.head}, credit {self.credit}")

    def try_recv(self):
        segment = self.segment
        if segment.next_word(self.head) == self.head:
            return None
        message = segment.load(segment.place(self.head))
        self.head += 1
        segment.store(CONSUMER, self.head)
        if self.head - self.credit >= max(1, segment.header.capacity // 4):
            self.credit = self.head
            segment.store(CONSUMER + 128, self.credit)
        return message

    def recv(self):
        """A message and None, or None and why there is none any more."""
        while True:
            if (message := self.try_recv()) is not None:
                return message, None
            if (why := self.peer_is()) in ("left", "died"):
                # What was sent before is there by now.
                return (message, None) if (message := self.try_recv()) is not None else (None, why)
            time.sleep(NAP)


def say(what):
    print(what, flush=True)


def main(command, name, *rest):
    if command == "header":
        segment = Segment(name)
        for field in Header.FIELDS.split():
            value = getattr(segment.header, field)
            say(f"{field} {value.hex() if isinstance(value, bytes) else value}")
        segment.leave()
    elif command == "recv":
        end, left, why = Receiver(name), int(rest[0]) if rest else -1, None
        say("joined")
        while left != 0:
            message, why = end.recv()
            if why:
                break
            print(message)
            left -= 1
        say(f"end {why}")
        end.leave()
    elif command == "send":
        end, first, count = Sender(name), *map(int, rest)
        say("joined")
        for message in range(first, first + count):
            if why := end.send(message):
                say(f"end {why}")
                return 1
        end.leave()
    elif command == "stamp":
        end = Sender(name)
        say("joined")
        for _ in sys.stdin:
            time.sleep(0.005)  # the other end goes to sleep meanwhile
            end.send(time.monotonic_ns())
        end.leave()
    elif command == "hold":
        role, count = rest[0], int(rest[1]) if len(rest) > 1 else 0
        end = Sender(name) if role == "sender" else Receiver(name)
        for message in range(count):
            end.send(message) if role == "sender" else end.recv()
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
        print(f"attach.py: {error}", file=sys.stderr)
        sys.exit(3)
