//! Encoded values.

use super::{LIMIT, NAME, bounded};
use crate::input::Input;
use ringway::Options;
use ringway::bytes::mpmc;
use ringway::codec::{Codec, Postcard, Receiver};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::path::Path;

/// A value with everything in it that has a length, or is one of several. (Not what takes no bytes: of `Vec<()>` a message of ten
/// bytes may announce more than can ever be counted; the documentation of `codec` says so.)
#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Job {
    Stop,
    Fetch { url: String, headers: BTreeMap<String, Vec<u8>> },
    Many(Vec<Job>),
    Numbers(i8, u16, i32, u64, i128, f32, f64, char, bool),
    Maybe(Option<Box<Job>>),
}

pub(super) fn run(input: &mut Input<'_>, directory: &Path) {
    match input.byte() % 5 {
        0 => carry::<Job>(input, directory),
        1 => carry::<Vec<Vec<u64>>>(input, directory),
        2 => carry::<HashMap<String, Option<u32>>>(input, directory),
        3 => carry::<(String, [u8; 7], Vec<bool>)>(input, directory),
        _ => carry::<Vec<Box<str>>>(input, directory),
    }
}

fn carry<T: Debug + Serialize + DeserializeOwned>(input: &mut Input<'_>, directory: &Path) {
    let made = Options::new().dir(directory).capacity(4).members(3).operations(2).in_hand(2).lanes(1, 4096);
    let Ok(tx) = mpmc::Sender::create_with(NAME, &made) else { return };
    let Ok(mut rx) = Receiver::<T>::open_with(NAME, &Options::new().dir(directory)) else { return };
    rx.set_limit(LIMIT);
    for _ in 0..16 {
        if input.is_empty() {
            break;
        }
        let len = usize::from(input.byte()).min(input.0.len());
        let (message, rest) = input.0.split_at(len);
        input.0 = rest;
        if tx.try_send(message).is_err() {
            return;
        }
        // serde believes a length as far as a mebibyte, each time that it reads one; and one inside another takes two bytes more of
        // the message.
        let got = bounded((len / 2 + 2) << 20, || rx.try_recv());
        if let Ok(value) = got {
            // Not byte for byte: a number may be encoded in more bytes than need be, a map in any order.
            let mut again = Vec::new();
            Postcard::encode(&value, &mut again).expect("a value");
            let same = Postcard::decode::<T>(&again).expect("its encoding");
            assert!(format!("{value:?}").len() == format!("{same:?}").len());
        }
    }
}
