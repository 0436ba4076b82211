//! The words of members under loom: who sees what one of them has said sees what it did before.
//!
//! Several members are several processes, so no model of a channel has them. Here are their words alone.

use crate::layout::geometry::{Geometry, Shape};
use crate::layout::many::Many;
use crate::layout::overlay::Control;
use crate::layout::status::Status;
use crate::layout::tables::Tables;
use crate::membership::member::{self, Member};
use crate::membership::role::Role;
use crate::membership::seat::{Hold, Seat};
use crate::sync::AtomicU32;
use crate::sync::Ordering::Relaxed;
use crate::sync::explore::explore_thoroughly;
use crate::sys::fork::{Mark, WipedWord};
use loom::thread::spawn;
// Not loom's: who keeps the memory is no part of a model.
use std::sync::{Arc, Mutex};

/// A segment with one member, and what somebody did: by a relaxed store, so that the words alone carry it.
struct Model {
    many: Many<u64>,
    /// Who is there; no part of the model.
    member: Mutex<Option<Member>>,
    is_done: AtomicU32,
}

impl Model {
    fn new() -> Arc<Self> {
        let tables = Tables::new(1, 1, 1, 8, 8).unwrap();
        let shape = Shape {
            capacity: 1,
            size: 8,
            align: 8,
            placement: None,
            frame_bytes: None,
            frames_offset: tables.slots_offset(),
            is_slotted: true,
        };
        let many = Many::modelled(&Geometry::new(shape).unwrap(), tables);
        Arc::new(Self { many, member: Mutex::new(None), is_done: AtomicU32::new(0) })
    }

    fn join(&self) {
        let member = Member::join(&self.many, 0, Hold::Process, Mark::of_this_process().unwrap());
        *self.member.lock().unwrap() = Some(member);
    }

    /// As the member.
    fn act<R>(&self, act: impl FnOnce(&mut Member) -> R) -> R {
        // Nobody else is it, and loom's threads are one: taken out, so that none of them finds it locked.
        let mut member = self.member.lock().unwrap().take().unwrap();
        let result = act(&mut member);
        *self.member.lock().unwrap() = Some(member);
        result
    }

    fn status(&self) -> Status {
        member::status(&self.many, 0)
    }

    fn work(&self) {
        self.is_done.store(1, Relaxed);
    }

    fn has_seen_it(&self) -> bool {
        self.is_done.load(Relaxed) == 1
    }
}

/// One does something, another looks.
fn beside(name: &str, model: fn() -> Arc<Model>, one: fn(&Model), other: fn(&Model)) {
    let executions = explore_thoroughly(name, 3, move || {
        let model = model();
        let theirs = Arc::clone(&model);
        let running = spawn(move || one(&theirs));
        other(&model);
        running.join().unwrap();
    });
    assert!(executions > 1, "nothing of this meets");
}

#[test]
fn who_sees_that_the_last_end_has_gone_sees_what_it_did() {
    fn with_a_sender() -> Arc<Model> {
        let model = with_a_member();
        assert!(model.act(|member| member.add(&model.many, Role::Sender)));
        model
    }
    fn goes(model: &Model) {
        model.work();
        // The count alone: the member is here, and has one end less.
        assert!(model.act(|member| member.remove(&model.many, Role::Sender)));
    }
    beside("the last end goes", with_a_sender, goes, |model| {
        assert!(
            member::count(&model.many, Role::Sender) == 1 || model.has_seen_it(),
            "gone, and what it did is not seen"
        );
    });
}

#[test]
fn who_sees_that_a_member_has_left_sees_what_it_did() {
    fn leaves(model: &Model) {
        model.work();
        model.act(|member| member.say_left(&model.many));
    }
    beside("a member leaves", with_a_member, leaves, |model| {
        assert!(!model.status().has(Status::LEFT) || model.has_seen_it(), "left, and what it did is not seen");
    });
}

#[test]
fn who_sees_that_a_member_is_known_to_be_dead_sees_what_was_left() {
    fn buries(model: &Model) {
        model.work();
        assert!(Member::declare_dead(&model.many, 0, model.status()));
    }
    beside("a member is declared dead", with_a_member, buries, |model| {
        assert!(!model.status().has(Status::BROKEN) || model.has_seen_it(), "dead, and what it left is not seen");
    });
}

#[test]
fn who_sees_a_newcomer_sees_none_of_its_predecessors_ends() {
    fn with_a_dead_one() -> Arc<Model> {
        let model = with_a_member();
        model.many.member(0).senders.store(1, Relaxed);
        assert!(Member::declare_dead(&model.many, 0, model.status()));
        model
    }
    beside("a member joins", with_a_dead_one, Model::join, |model| {
        assert_eq!(member::count(&model.many, Role::Sender), 0, "an end of somebody who is dead");
    });
}

/// Of two ends: who takes a dead one's seat is ordered behind it by the kernel, and carries on what it did.
#[test]
fn who_sees_a_newcomer_on_a_seat_sees_what_its_predecessor_did() {
    fn seat(control: &Control, role: Role) -> Seat {
        let known = WipedWord::new(Mark::of_this_process().unwrap()).unwrap();
        Seat::join(control.clone(), role, Hold::Process, known, 0)
    }
    let executions = explore_thoroughly("a seat is taken", 3, || {
        let (control, is_done) = (Control::modelled(), Arc::new(AtomicU32::new(0)));
        let receiver = seat(&control, Role::Receiver);
        let done = Arc::clone(&is_done);
        let sender = spawn(move || {
            done.store(1, Relaxed);
            drop(seat(&control, Role::Sender));
        });
        let is_there = receiver.peer_status().has(Status::PRESENT);
        assert!(!is_there || is_done.load(Relaxed) == 1, "there, and what was done before is not seen");
        sender.join().unwrap();
    });
    assert!(executions > 1, "nothing of this meets");
}

fn with_a_member() -> Arc<Model> {
    let model = Model::new();
    model.join();
    model
}
