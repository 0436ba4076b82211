//! The planted bugs: some that were made once, and some that others have made.

use crate::planted::{Bug, Change};

pub(crate) const BUGS: &[Bug] = &[
    // Sleeping and waking.
    Bug {
        name: "wakes by a private futex",
        changes: &[Change {
            file: "sys/futex.rs",
            is: "libc::FUTEX_WAKE, most)",
            becomes: "libc::FUTEX_WAKE | if BUG { libc::FUTEX_PRIVATE_FLAG } else { 0 }, most)",
        }],
    },
    Bug {
        name: "sleeps on a private futex",
        changes: &[Change {
            file: "sys/futex.rs",
            is: "libc::FUTEX_WAIT_BITSET,",
            becomes: "libc::FUTEX_WAIT_BITSET | if BUG { libc::FUTEX_PRIVATE_FLAG } else { 0 },",
        }],
    },
    Bug {
        name: "one to one, the notification comes before the publication",
        changes: &[
            Change {
                file: "channel/spsc/sender.rs",
                is: "    pub fn send(&mut self, message: T) -> Result<(), SendError<T>> {
        if self.end.is_undisturbed() && self.producer.push_below_limit(&message) {
            self.end.publish();",
                becomes: "    pub fn send(&mut self, message: T) -> Result<(), SendError<T>> {
        if BUG { self.end.publish(); }
        if self.end.is_undisturbed() && self.producer.push_below_limit(&message) {
            if !BUG { self.end.publish(); }",
            },
            Change {
                file: "channel/spsc/sender.rs",
                is: "    pub fn try_send(&mut self, message: T) -> Result<(), TrySendError<T>> {
        if self.end.is_undisturbed() && self.producer.push_below_limit(&message) {
            self.end.publish();",
                becomes: "    pub fn try_send(&mut self, message: T) -> Result<(), TrySendError<T>> {
        if BUG { self.end.publish(); }
        if self.end.is_undisturbed() && self.producer.push_below_limit(&message) {
            if !BUG { self.end.publish(); }",
            },
        ],
    },
    Bug {
        name: "many to many, the notification comes before the publication",
        changes: &[
            Change {
                file: "channel/mpmc/transfer.rs",
                is: "        let pushed = core.ring().push_some(core.ring().record(lease.record), messages);
        if let Pushed::Done(_) = pushed {",
                becomes: "        if BUG { published(core, lease); }
        let pushed = core.ring().push_some(core.ring().record(lease.record), messages);
        if let Pushed::Done(_) = pushed && !BUG {",
            },
            Change {
                file: "channel/mpmc/transfer.rs",
                is: "    let is_sent = core.ring().push_at_once(core.ring().record(record), message);
    if is_sent {",
                becomes: "    if BUG { published_in_front(core); }
    let is_sent = core.ring().push_at_once(core.ring().record(record), message);
    if is_sent && !BUG {",
            },
        ],
    },
    Bug {
        name: "one to one, room is told of before it is there",
        changes: &[Change {
            file: "ring/spsc/consumer.rs",
            is: "        self.tell();
        then();",
            becomes: "        if BUG { then(); self.tell(); } else { self.tell(); then(); }",
        }],
    },
    Bug {
        name: "many to many, room is told of before it is there",
        changes: &[Change {
            file: "ring/mpmc/pop.rs",
            is: "        self.free(slot, seat.lap);
        self.many.prefetch(slot);
        then();",
            becomes: "        if BUG { then(); self.free(slot, seat.lap); } else { self.free(slot, seat.lap); then(); }",
        }],
    },
    Bug {
        name: "a sleeper makes no barrier",
        changes: &[Change {
            file: "wait/bell.rs",
            is: "let is_heard = self.unfenced",
            becomes: "let is_heard = BUG || self.unfenced",
        }],
    },
    Bug {
        name: "a sleeper among many makes no barrier",
        changes: &[Change {
            file: "wait/event_count.rs",
            is: "let is_heard = self.unfenced",
            becomes: "let is_heard = BUG || self.unfenced",
        }],
    },
    Bug {
        name: "a new waker trusts its predecessor's bell",
        changes: &[Change { file: "wait/bell.rs", is: "if !has_rung {", becomes: "if !has_rung && !BUG {" }],
    },
    Bug {
        name: "a waker calms those who armed later, too",
        changes: &[Change {
            file: "wait/event_count.rs",
            is: "self.calmed.store(arms, Relaxed);",
            becomes: "self.calmed.store(if BUG { self.arms.load(Relaxed) } else { arms }, Relaxed);",
        }],
    },
    Bug {
        name: "a waker wakes without ringing",
        changes: &[Change {
            file: "wait/event_count.rs",
            is: "        self.bell.fetch_add(1, Relaxed); // relaxed: the futex call is ordered behind it
        let woken",
            becomes: "        if !BUG { self.bell.fetch_add(1, Relaxed); }
        let woken",
        }],
    },
    Bug {
        name: "who gave the fence up is counted, not marked",
        changes: &[
            Change {
                file: "wait/event_count.rs",
                is: "        if event.unfenced.load(Relaxed) & bit != 0 {",
                becomes: "        if !BUG && event.unfenced.load(Relaxed) & bit != 0 {",
            },
            Change {
                file: "wait/event_count.rs",
                is: "            event.unfenced.fetch_or(self.bit, Relaxed);",
                becomes: "            if BUG { event.unfenced.fetch_add(1, Relaxed); } else { event.unfenced.fetch_or(self.bit, Relaxed); }",
            },
            Change {
                file: "wait/event_count.rs",
                is: "            event.unfenced.fetch_and(!self.bit, FENCED.release());",
                becomes: "            if BUG { event.unfenced.fetch_sub(1, FENCED.release()); } else { event.unfenced.fetch_and(!self.bit, FENCED.release()); }",
            },
        ],
    },
    Bug {
        name: "who gave the fence up and goes does not take it back",
        changes: &[Change {
            file: "wait/event_count.rs",
            is: "        if self.has_said {
            self.has_said = false;",
            becomes: "        if self.has_said && !BUG {
            self.has_said = false;",
        }],
    },
    // Claims.
    Bug {
        name: "a claim to write is not cleared",
        changes: &[Change {
            file: "ring/mpmc/push.rs",
            is: "        record.producing.store(Claim::NONE.0, ANNOUNCED.release());
        reason",
            becomes: "        if !BUG { record.producing.store(Claim::NONE.0, ANNOUNCED.release()); }
        reason",
        }],
    },
    Bug {
        name: "a claim to read is not cleared",
        changes: &[Change {
            file: "ring/mpmc/pop.rs",
            is: "        record.consuming.store(Claim::NONE.0, ANNOUNCED.release());
        reason",
            becomes: "        if !BUG { record.consuming.store(Claim::NONE.0, ANNOUNCED.release()); }
        reason",
        }],
    },
    Bug {
        name: "who is beaten at once keeps its claim to read",
        changes: &[Change {
            file: "ring/mpmc/pop.rs",
            is: "            // The caller may be given something else, and announce nothing for long.
            record.consuming.store(Claim::NONE.0, ANNOUNCED.release());",
            becomes: "            if !BUG { record.consuming.store(Claim::NONE.0, ANNOUNCED.release()); }",
        }],
    },
    Bug {
        name: "who leases a record leaves its claims",
        changes: &[Change {
            file: "ring/mpmc/lease.rs",
            is: "        self.announce_nothing(found);",
            becomes: "        if !BUG { self.announce_nothing(found); }",
        }],
    },
    Bug {
        name: "who returns a record leaves its claims",
        changes: &[Change {
            file: "ring/mpmc/lease.rs",
            is: "        self.announce_nothing(index);
        self.many",
            becomes: "        if !BUG { self.announce_nothing(index); }
        self.many",
        }],
    },
    // What is done for the dead.
    Bug {
        name: "nobody looks whether a message is in a hand",
        changes: &[Change {
            file: "ring/mpmc/recover.rs",
            is: "state == State::Full && !self.is_in_a_hand(position);",
            becomes: "state == State::Full && (BUG || !self.is_in_a_hand(position));",
        }],
    },
    Bug {
        name: "who adopts a hand leaves its slot",
        changes: &[Change {
            file: "ring/mpmc/recover.rs",
            is: "        self.free_behind(held);",
            becomes: "        if !BUG { self.free_behind(held); }",
        }],
    },
    Bug {
        name: "who announces is taken for dead",
        changes: &[Change {
            file: "ring/mpmc/recover.rs",
            is: "owner.is_leased() && oracle.is_alive(owner)",
            becomes: "!BUG && owner.is_leased() && oracle.is_alive(owner)",
        }],
    },
    Bug {
        name: "a position that nobody claimed is entombed",
        changes: &[Change {
            file: "ring/mpmc/recover.rs",
            is: "        if self.claimed_to_write() <= position {",
            becomes: "        if !BUG && self.claimed_to_write() <= position {",
        }],
    },
    Bug {
        name: "a position that nobody claimed is taken over",
        changes: &[Change {
            file: "ring/mpmc/recover.rs",
            is: "        if self.claimed_to_read() <= position {",
            becomes: "        if !BUG && self.claimed_to_read() <= position {",
        }],
    },
    Bug {
        name: "a tombstone is delivered",
        changes: &[Change {
            file: "ring/mpmc/recover.rs",
            is: "let is_message = state == State::Full && ",
            becomes: "let is_message = (BUG || state == State::Full) && ",
        }],
    },
    Bug {
        name: "a delivery for the dead is not counted",
        changes: &[Change {
            file: "ring/mpmc/recover.rs",
            is: "        Recovered::Delivered(self.deliver(seat, next, hand))",
            becomes: "        Recovered::Delivered(self.deliver(seat, if BUG { word } else { next }, hand))",
        }],
    },
    Bug {
        name: "an adopted message is not counted",
        changes: &[Change {
            file: "ring/mpmc/recover.rs",
            is: "attempt: held.delivery().saturating_add(1),",
            becomes: "attempt: held.delivery().saturating_add(if BUG { 0 } else { 1 }),",
        }],
    },
    Bug {
        name: "an inherited record that was not settled is free",
        changes: &[Change {
            file: "ring/mpmc/recover.rs",
            is: "owner.store(left_by.0, LEASED.release());",
            becomes: "owner.store(if BUG { Owner::FREE.0 } else { left_by.0 }, LEASED.release());",
        }],
    },
    Bug {
        name: "a swept record is freed while it is busy",
        changes: &[Change {
            file: "ring/mpmc/recover.rs",
            is: "        if matches!(resolved, Recovered::Nothing) {
            // Relaxed in failure: somebody else has resolved it",
            becomes: "        if BUG || matches!(resolved, Recovered::Nothing) {
            // Relaxed in failure: somebody else has resolved it",
        }],
    },
    Bug {
        name: "a message that is given up frees its slot before its lane",
        changes: &[Change {
            file: "ring/mpmc/recover.rs",
            is: "            self.give_up_lane(&message);
        }
        if self.free_if(seat, word) {",
            becomes: "            if BUG && self.free_if(seat, word) { self.count_dropped(); }
            self.give_up_lane(&message);
        }
        if self.free_if(seat, word) {",
        }],
    },
    Bug {
        name: "what was left while one looked counts as seen",
        changes: &[Change {
            file: "channel/mpmc/transfer.rs",
            is: "core.orphans_seen.store(orphans, Relaxed);",
            becomes: "core.orphans_seen.store(if BUG { core.orphans() } else { orphans }, Relaxed);",
        }],
    },
    Bug {
        name: "a death is told before what is left is marked",
        changes: &[Change {
            file: "channel/mpmc/core.rs",
            is: "    ring.orphan(Owner::leased(index, seen.generation()));",
            becomes: "    if BUG && Member::declare_dead(many, index, seen) { stir(many); }
    ring.orphan(Owner::leased(index, seen.generation()));",
        }],
    },
    // Who is here.
    Bug {
        name: "the kernel is asked about ourselves",
        changes: &[Change {
            file: "membership/liveness.rs",
            is: "if local::holds(file, byte) || ",
            becomes: "if (!BUG && local::holds(file, byte)) || ",
        }],
    },
    Bug {
        name: "who has left meanwhile has died",
        changes: &[Change {
            file: "membership/liveness.rs",
            is: "Ok(if now == status {",
            becomes: "Ok(if BUG || now == status {",
        }],
    },
    Bug {
        name: "the locks are on the description that is mapped",
        changes: &[Change {
            file: "memory/segment.rs",
            is: "        let file = self.place.open_again(self.life()?).map_err(failed(\"opening\"))?;",
            becomes: "        let file = if BUG { self.life()?.try_clone_to_owned() } else { self.place.open_again(self.life()?) };
        let file = file.map_err(failed(\"opening\"))?;",
        },
        Change {
            file: "memory/segment.rs",
            is: "        if !byte_lock::is_held_by_another(file.as_fd(), GATE).map_err(failed(\"locking\"))? {",
            becomes: "        if !BUG && !byte_lock::is_held_by_another(file.as_fd(), GATE).map_err(failed(\"locking\"))? {",
        }],
    },
    Bug {
        name: "a member's lock goes before its word",
        changes: &[Change {
            file: "channel/mpmc/core.rs",
            is: "        self.member.say_left(self.ring.many());",
            becomes: "        if BUG { self.member.leave(); }
        self.member.say_left(self.ring.many());",
        }],
    },
    Bug {
        name: "a forked child gives its parent's place back",
        changes: &[Change {
            file: "membership/seat.rs",
            is: "        if self.is_forked() {
            // The descriptor closes itself; the locks",
            becomes: "        if !BUG && self.is_forked() {
            // The descriptor closes itself; the locks",
        }],
    },
    Bug {
        name: "what is gone is asked for behind the look at the ring",
        changes: &[Change {
            file: "channel/mpmc/transfer.rs",
            is: "match gone.or_else(|| core.are_senders_gone()) {",
            becomes: "match if BUG { lease::refused(core, Role::Receiver) } else { gone.or_else(|| core.are_senders_gone()) } {",
        }],
    },
    Bug {
        name: "the end is told without a second look",
        changes: &[Change {
            file: "channel/mpmc/transfer.rs",
            is: "Some(reason) if core.ring().len() == 0 && !core.has_orphans()",
            becomes: "Some(reason) if BUG || core.ring().len() == 0 && !core.has_orphans()",
        }],
    },
    // Messages of bytes.
    Bug {
        name: "a length is read twice",
        changes: &[Change {
            file: "ring/parts/consumer.rs",
            is: "        self.ring.pop_bytes(len, span(len), to);",
            becomes: "        let len = if BUG { self.ring.number_at_head().map_or(len, |(header, _)| Header(header).len()) } else { len };
        self.ring.pop_bytes(len, span(len), to);",
        }],
    },
    Bug {
        name: "a length that is read a second time is believed",
        changes: &[Change {
            file: "ring/parts/consumer.rs",
            is: "            if part.len > to.capacity() - to.len() {",
            becomes: "            if !BUG && part.len > to.capacity() - to.len() {",
        }],
    },
    // Lanes.
    Bug {
        name: "a lane that is freed keeps its generation",
        changes: &[Change {
            file: "ring/lane.rs",
            is: "Self::new(Phase::Free, 0, self.generation() + 1)",
            becomes: "Self::new(Phase::Free, 0, self.generation() + if BUG { 0 } else { 1 })",
        }],
    },
    Bug {
        name: "a slow burier does not ask whether the place is another's",
        changes: &[Change {
            file: "ring/lane.rs",
            is: "if own.member() != gone || !is_same() {",
            becomes: "if own.member() != gone || !BUG && !is_same() {",
        }],
    },
    Bug {
        name: "a dead writer's lane is freed under its reader",
        changes: &[Change {
            file: "ring/lane.rs",
            is: "                Some(Phase::Flowing) => own.with(Phase::Cut),
                _ => return,",
            becomes: "                Some(Phase::Flowing) => if BUG { own.freed() } else { own.with(Phase::Cut) },
                _ => return,",
        }],
    },
    Bug {
        name: "a reader says that it reads before it does",
        changes: &[Change {
            file: "ring/lane.rs",
            is: "                // CUT, among others.
                _ => return Claimed::Stale,
            };",
            becomes: "                // CUT, among others.
                _ => return Claimed::Stale,
            };
            if BUG { self.words(ticket.lane).reader.reader.store(me.0, Relaxed); }",
        }],
    },
    Bug {
        name: "what has been poured is read behind whose lane it is",
        changes: &[Change {
            file: "ring/lane.rs",
            is: "        match self.own(ticket).and_then(Own::phase) {
            Some(Phase::Flowing | Phase::Reading) => Flow::Filled",
            becomes: "        let own = self.own(ticket);
        let filled = if BUG { self.words(ticket.lane).writer.filled.load(POURED.acquire()) } else { filled };
        match own.and_then(Own::phase) {
            Some(Phase::Flowing | Phase::Reading) => Flow::Filled",
        }],
    },
];
