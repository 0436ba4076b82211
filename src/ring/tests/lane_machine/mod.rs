//! The step machine of lanes: the code of `ring::lane` itself, taken apart into its atomic steps, in every order, with deaths
//! in between; as `ring/tests/machine` does it for the ring.
//!
//! There is one lane, of two bytes. Who writes to it, reads it, adopts what a dead reader holds, or buries a dead writer, is a
//! program (`play`) whose calls of `Lanes` are replayed step by step: each atomic operation is one, each byte that is copied,
//! each question who is alive. What is *not* the real code here: the ring, the hands and the members' entries. A ticket is in one
//! word (in the ring, in somebody's hand, given back, done), which is swapped; so is the life of the member that writes. Those
//! have machines of their own.
//!
//! Checked at each step: who frees a lane may (`judge`), what is delivered is one of the messages and not torn, none comes twice
//! unmarked, none that its writer says was not sent. Checked wherever nobody has a step left: one who comes then finds the rest of
//! what was sent, and the lane free.
//!
//! Memory is sequentially consistent here: which orderings are needed is `loom_lane`'s business.

mod book;
mod judge;
mod play;
mod scenes;

use book::{Book, Next};
use judge::Judge;
use play::{Place, Role};
use std::collections::{HashMap, VecDeque};

/// What has been done that must not be.
type Wrong = String;

/// Where an actor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Actor {
    node: u32,
    is_dead: bool,
}

/// All there is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    memory: [u64; Place::COUNT],
    actors: Vec<Actor>,
    /// Who is the writers' member in its second life.
    next: usize,
    judge: Judge,
}

/// What is searched.
struct Scene {
    name: &'static str,
    roles: Vec<Role>,
    /// How many of them may die, at most, and how many of them, from the first on, may at all.
    deaths: usize,
    mortals: usize,
}

struct Machine {
    scene: Scene,
    book: Book,
}

impl Machine {
    fn start(&mut self) -> State {
        let actors = (0..self.scene.roles.len()).map(|me| Actor { node: self.begin(me), is_dead: false }).collect();
        let mut memory = [0; Place::COUNT];
        memory[Place::Life as usize] = play::FIRST_LIFE;
        let next = self.scene.roles.iter().position(|&role| role == Role::Next).unwrap_or(0);
        State { memory, actors, next, judge: Judge::default() }
    }

    fn begin(&mut self, me: usize) -> u32 {
        self.book.root(me, self.scene.roles[me])
    }

    fn is_active(&self, state: &State, me: usize) -> bool {
        let actor = state.actors[me];
        !actor.is_dead && matches!(self.book.next(actor.node), Next::Asks(..))
    }

    fn step(&mut self, state: &mut State, me: usize) -> Result<(), Wrong> {
        let node = state.actors[me].node;
        let Next::Asks(place, operation) = self.book.next(node) else { unreachable!("a step of one who has none") };
        let dead: Vec<bool> = state.actors.iter().map(|actor| actor.is_dead).collect();
        let answer = judge::perform(state, me, &dead, place, operation)?;
        state.actors[me].node = self.book.child(node, answer);
        Ok(())
    }

    /// Nobody has a step left: whoever comes now finds the rest, and the lane free.
    fn is_well_at_the_end(&mut self, state: &State) -> Result<(), Wrong> {
        let mut state = state.clone();
        let me = state.actors.len();
        let node = self.book.root(me, Role::Aftermath);
        state.actors.push(Actor { node, is_dead: false });
        while self.is_active(&state, me) {
            self.step(&mut state, me)?;
        }
        state.judge.at_the_end(&state)
    }

    /// All states, the shortest way first.
    fn search(mut self) -> Result<usize, Wrong> {
        let start = self.start();
        let mut seen: HashMap<State, ()> = HashMap::new();
        let mut left = VecDeque::from([start.clone()]);
        seen.insert(start, ());
        while let Some(state) = left.pop_front() {
            let active: Vec<usize> = (0..state.actors.len()).filter(|&me| self.is_active(&state, me)).collect();
            if active.is_empty() {
                self.is_well_at_the_end(&state).map_err(|wrong| self.told(&state, &wrong))?;
            }
            let deaths = state.actors.iter().filter(|actor| actor.is_dead).count();
            for me in active {
                let mut next = state.clone();
                self.step(&mut next, me).map_err(|wrong| self.told(&state, &wrong))?;
                let mut ways = vec![next];
                if deaths < self.scene.deaths && me < self.scene.mortals {
                    let mut next = state.clone();
                    // Its place is nobody's business any more.
                    next.actors[me] = Actor { node: 0, is_dead: true };
                    ways.push(next);
                }
                for next in ways {
                    if seen.insert(next.clone(), ()).is_none() {
                        left.push_back(next);
                    }
                }
            }
        }
        println!("{}: {} states, {} places in programs", self.scene.name, seen.len(), self.book.len());
        Ok(seen.len())
    }

    fn told(&self, state: &State, wrong: &str) -> Wrong {
        let places = state.actors.iter().map(|actor| format!("{:?} {:?}", actor, self.book.answers(actor.node)));
        let places: Vec<_> = places.collect();
        format!("{}: {wrong}\n{:x?}\n{:?}\n{}", self.scene.name, state.memory, state.judge, places.join("\n"))
    }
}
