//! What may be a message, and copies to and from memory that another process may be writing.
//!
//! Between correct peers nobody writes a message while it is read: the ring's words see to that, and the model checks
//! it. Against a peer that breaks the rules a copy must still be defined. So it is made of relaxed atomic loads or
//! stores of one fixed width per place, or of instructions and calls that the compiler cannot look into; never of a plain
//! read that the optimiser may assume to be unraced. A torn copy is then just another value of a type for which every value
//! is valid.
//!
//! # Safety
//!
//! Callers give the address of a place of `layout::overlay`: inside the segment, aligned for `T`, and aligned to the
//! largest power of two up to 8 that divides `T`'s size (every base and stride is).
//!
//! The atomics are `core`'s in every build, past the door of `crate::sync`: they stand for plain memory, of widths that
//! follow `T`, and a model checks whole messages in its own cells instead.
//!
//! Under `--cfg plain_payload` all of it is plain copies, for those who look for races between correct peers (`tests/checks`): of atomics there
//! are none to be found, and into an instruction they cannot look, either.
//!
//! Source: RFC 3301 (per-byte atomic copies), which this file is written to be replaced by.
#![allow(unsafe_code)]

use bytemuck::{AnyBitPattern, NoUninit};
use core::mem::MaybeUninit;
use core::mem::size_of;
use core::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed};

/// What can be sent: plain data without padding, for which every bit pattern is a value.
///
/// Implemented for every type that is [`bytemuck::NoUninit`] and [`bytemuck::AnyBitPattern`]: integers, floats, arrays
/// of them, and structs that derive both (or `Pod`). A `bool`, a `char` or an `enum` is not: the other process could
/// send a value that is none. Send its number, and check it on arrival.
///
/// A type with references does not compile:
///
/// ```compile_fail
/// let _ = ringway::spsc::channel::<&'static str>(8);
/// ```
pub trait Payload: NoUninit + AnyBitPattern + 'static {}

impl<T: NoUninit + AnyBitPattern + 'static> Payload for T {}

/// Bytes as values, as many whole ones as there are; `None` if they are not aligned for them.
pub(crate) fn front_of<T: Payload>(bytes: &[u8]) -> Option<&[T]> {
    whole_of(&bytes[..whole::<T>(bytes.len())])
}

/// The same, to be written.
pub(crate) fn front_of_mut<T: Payload>(bytes: &mut [u8]) -> Option<&mut [T]> {
    let len = whole::<T>(bytes.len());
    if size_of::<T>() == 0 { None } else { bytemuck::try_cast_slice_mut(&mut bytes[..len]).ok() }
}

/// Bytes as values; `None` if they are not aligned for them, or not a whole number of them.
pub(crate) fn whole_of<T: Payload>(bytes: &[u8]) -> Option<&[T]> {
    // There are no values without a size in any bytes, or as many as one likes.
    if size_of::<T>() == 0 { None } else { bytemuck::try_cast_slice(bytes).ok() }
}

/// The bytes of as many whole values as there are in so many bytes.
fn whole<T>(bytes: usize) -> usize {
    bytes - bytes.checked_rem(size_of::<T>()).unwrap_or(0)
}

/// From this many bytes on the compiler's words give way to a copy of ours, by sixteen bytes at a time.
const WIDE: usize = 32;
/// The same for one message by itself that goes in: by words it goes straight from the registers in which it was made, while a copy
/// needs it in memory first.
const WIDE_ALONE_IN: usize = 512;
/// And for one that comes out.
const WIDE_ALONE_OUT: usize = WIDEST_OUT;
/// From this many bytes on, what comes out of the ring is copied by C, which knows the widest registers of this processor: the
/// receiver looks at it at once, and whoever reads by larger parts than were written waits until those have left the store buffer.
const WIDEST_OUT: usize = 256;
/// The same for what goes in: the sender has just made it, by smaller parts perhaps, and would wait in the same way.
const WIDEST_IN: usize = 1024;
/// From how many bytes on that holds for a run of messages. Small ones lie in frames of a few lines, a run in each: there the copy must
/// be all inside, without a call beside which registers are kept.
const fn run_from<T>(widest: usize) -> usize {
    if size_of::<T>() == 1 || size_of::<T>() >= WIDEST_OUT { widest } else { usize::MAX }
}
/// From this many bytes on, to one string instruction, which takes a while to start.
#[cfg(all(target_arch = "x86_64", not(any(miri, plain_payload))))]
const LARGE: usize = 2048;

/// The width of the atomics a message of `size` bytes is copied with.
const fn unit(size: usize) -> usize {
    let power = size.trailing_zeros();
    1 << if power < 3 { power } else { 3 }
}

/// Whether there are no copies but plain ones.
const IS_PLAIN: bool = cfg!(plain_payload);

const fn is_wide(bytes: usize) -> bool {
    IS_PLAIN || cfg!(all(target_arch = "x86_64", not(miri))) && bytes >= WIDE
}

/// Whether one message of this size is not copied by words, from so many bytes on.
const fn is_wide_alone(size: usize, from: usize) -> bool {
    IS_PLAIN || is_wide(size) && (size >= from || unit(size) < 8)
}

/// In this crate's unit tests a copy is a step, as an atomic operation is (`sync::step`).
#[inline(always)]
fn step() {
    #[cfg(all(test, not(loom)))]
    crate::sync::step::point();
}

/// Copies a message to its place.
///
/// # Safety
///
/// `place` is as the module says, and no correct peer uses it now.
#[inline(always)]
pub(crate) unsafe fn write<T: Payload>(place: *mut T, message: &T) {
    #[cfg(loom)]
    // SAFETY: the caller's, and loom has checked that nobody else is there.
    return unsafe { place.write(*message) };
    #[cfg(all(test, not(loom)))]
    if replayed::is_written(place.addr(), message) {
        return;
    }
    #[cfg(not(loom))]
    step();
    #[cfg(not(loom))]
    // SAFETY: the caller's; `T` is NoUninit, so all of its bytes may be read.
    unsafe {
        copy_in(place.cast(), core::ptr::from_ref(message).cast(), size_of::<T>());
    }
}

/// Copies a message from its place.
///
/// # Safety
///
/// `place` is as the module says. (What is there may change meanwhile; then the message is some value of `T`.)
#[inline(always)]
pub(crate) unsafe fn read<T: Payload>(place: *const T) -> T {
    let mut landing = Landing::new();
    // SAFETY: the caller's.
    unsafe { landing.fill(place) };
    // SAFETY: just filled.
    unsafe { landing.take() }
}

/// Where a message is copied to, and stays until all is done that comes before it is handed on.
///
/// Its address has been shown to an instruction that the compiler cannot look into, so for all the compiler knows each ordered
/// store may change it. A value that is moved both before such a store and after it is copied twice, and a kilobyte that is copied
/// right behind its own copy waits for it: three copies more were a third of what it cost to receive one (`benches/NOTES.md`).
#[derive(Debug)]
pub(crate) struct Landing<T>(MaybeUninit<T>);

impl<T: Payload> Landing<T> {
    #[inline(always)]
    pub(crate) const fn new() -> Self {
        Self(MaybeUninit::uninit())
    }

    /// Copies a message from its place to here.
    ///
    /// # Safety
    ///
    /// As [`read`].
    #[inline(always)]
    pub(crate) unsafe fn fill(&mut self, place: *const T) {
        #[cfg(loom)]
        // SAFETY: the caller's, and loom has checked that nobody writes.
        self.0.write(unsafe { place.read() });
        #[cfg(all(test, not(loom)))]
        if let Some(message) = replayed::read(place.addr()) {
            self.0.write(message);
            return;
        }
        #[cfg(not(loom))]
        step();
        #[cfg(not(loom))]
        // SAFETY: the caller's; the target is ours and as large as `T`.
        unsafe {
            copy_out(self.0.as_mut_ptr().cast(), place.cast(), size_of::<T>());
        }
    }

    /// The message, to be handed on.
    ///
    /// # Safety
    ///
    /// It has been filled.
    #[inline(always)]
    pub(crate) unsafe fn take(self) -> T {
        // SAFETY: the caller's: all bytes are written, and any bytes are a `T` (AnyBitPattern).
        unsafe { self.0.assume_init() }
    }
}

/// Copies messages to consecutive places.
///
/// # Safety
///
/// `places` are `messages.len()` places in a row, as the module says, and no correct peer uses them now.
#[cfg(not(loom))]
#[inline(always)]
pub(crate) unsafe fn write_run<T: Payload>(places: *mut T, messages: &[T]) {
    if is_wide(size_of_val(messages)) {
        step();
        // SAFETY: the caller's; both are valid for the bytes of the messages.
        unsafe { opaque(places.cast(), messages.as_ptr().cast(), size_of_val(messages), run_from::<T>(WIDEST_IN)) };
        return;
    }
    for (at, message) in messages.iter().enumerate() {
        // SAFETY: one of the caller's places.
        let place = unsafe { places.add(at) };
        // SAFETY: as above.
        unsafe { write(place, message) };
    }
}

/// Copies messages from consecutive places.
///
/// # Safety
///
/// `places` are `messages.len()` places in a row, as the module says.
#[inline(always)]
pub(crate) unsafe fn read_run<T: Payload>(messages: &mut [T], places: *const T) {
    if is_wide(size_of_val(messages)) {
        step();
        // SAFETY: the caller's; both are valid for the bytes of the messages, and any bytes are a `T`.
        unsafe {
            opaque(messages.as_mut_ptr().cast(), places.cast(), size_of_val(messages), run_from::<T>(WIDEST_OUT))
        };
        return;
    }
    for (at, message) in messages.iter_mut().enumerate() {
        // SAFETY: one of the caller's places.
        let place = unsafe { places.add(at) };
        // SAFETY: as above.
        *message = unsafe { read(place) };
    }
}

/// Copies bytes to consecutive places, by words where the first of them is aligned to one.
///
/// # Safety
///
/// `places` are `bytes.len()` places in a row, as the module says, and no correct peer uses them now.
#[inline(always)]
pub(crate) unsafe fn write_bytes(places: *mut u8, bytes: &[u8]) {
    step();
    #[cfg(loom)]
    // SAFETY: the caller's, and loom has checked that nobody else is there.
    unsafe {
        places.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
    }
    #[cfg(not(loom))]
    // SAFETY: the caller's.
    unsafe {
        copy_bytes_in(places, bytes);
    }
}

/// # Safety
///
/// As [`write_bytes`].
#[cfg(not(loom))]
#[inline(always)]
unsafe fn copy_bytes_in(places: *mut u8, bytes: &[u8]) {
    let len = bytes.len();
    if is_wide(len) {
        // SAFETY: the caller's; both are valid for so many bytes, 32 at least.
        return unsafe { opaque(places, bytes.as_ptr(), len, WIDEST_IN) };
    }
    let words = if places.addr() % 8 == 0 { len & !7 } else { 0 };
    // SAFETY: a multiple of 8, at most all of them, from an aligned place on; or none.
    unsafe { in_by_8(places, bytes.as_ptr(), words) };
    // SAFETY: one of the caller's places, or just behind them; `words` is at most `len`.
    let to = unsafe { places.add(words) };
    // SAFETY: the same of the bytes.
    let from = unsafe { bytes.as_ptr().add(words) };
    // SAFETY: the rest of both.
    unsafe { in_by_1(to, from, len - words) };
}

/// Copies bytes from consecutive places, by words where the first of them is aligned to one.
///
/// # Safety
///
/// `places` are `len` places in a row, as the module says; `bytes` is ours to write for as many.
#[inline(always)]
pub(crate) unsafe fn read_bytes(bytes: *mut u8, places: *const u8, len: usize) {
    step();
    #[cfg(loom)]
    // SAFETY: the caller's, and loom has checked that nobody writes.
    unsafe {
        bytes.copy_from_nonoverlapping(places, len);
    }
    #[cfg(not(loom))]
    // SAFETY: the caller's.
    unsafe {
        copy_bytes_out(bytes, places, len);
    }
}

/// # Safety
///
/// As [`read_bytes`].
#[cfg(not(loom))]
#[inline(always)]
unsafe fn copy_bytes_out(bytes: *mut u8, places: *const u8, len: usize) {
    if is_wide(len) {
        // SAFETY: the caller's; both are valid for so many bytes, 32 at least.
        return unsafe { opaque(bytes, places, len, WIDEST_OUT) };
    }
    let words = if places.addr() % 8 == 0 { len & !7 } else { 0 };
    // SAFETY: a multiple of 8, at most all of them, from an aligned place on; or none.
    unsafe { out_by_8(bytes, places, words) };
    // SAFETY: one of the caller's bytes, or just behind them; `words` is at most `len`.
    let to = unsafe { bytes.add(words) };
    // SAFETY: the same of the places.
    let from = unsafe { places.add(words) };
    // SAFETY: the rest of both.
    unsafe { out_by_1(to, from, len - words) };
}

/// Appends bytes from consecutive places to `bytes`, whose capacity is enough for them.
///
/// # Safety
///
/// `places` are `count` places in a row, as the module says.
#[inline(always)]
pub(crate) unsafe fn append_bytes(bytes: &mut Vec<u8>, places: *const u8, count: usize) {
    let len = bytes.len();
    assert!(count <= bytes.capacity() - len, "no room for bytes");
    // SAFETY: inside the vector's capacity.
    let end = unsafe { bytes.as_mut_ptr().add(len) };
    // SAFETY: the caller's; there is room for so many.
    unsafe { read_bytes(end, places, count) };
    // SAFETY: so many bytes have been written behind the first `len`.
    unsafe { bytes.set_len(len + count) };
}

macro_rules! words {
    ($to_shared:ident, $from_shared:ident, $atomic:ty, $word:ty) => {
        /// # Safety
        ///
        /// `size` is a multiple of the word; `shared` is aligned to it; both are valid for `size` bytes.
        #[inline(always)]
        unsafe fn $to_shared(shared: *mut u8, own: *const u8, size: usize) {
            for at in (0..size).step_by(size_of::<$word>()) {
                // SAFETY: inside by the loop's bound; `own` need not be aligned.
                let word = unsafe { own.add(at).cast::<$word>().read_unaligned() };
                // SAFETY: inside by the loop's bound, aligned by the caller; an atomic is valid for any bytes.
                let place = unsafe { &*shared.add(at).cast::<$atomic>() };
                place.store(word, Relaxed); // no edge: `filled` carries the payload
            }
        }

        /// # Safety
        ///
        /// As above.
        #[inline(always)]
        unsafe fn $from_shared(own: *mut u8, shared: *const u8, size: usize) {
            for at in (0..size).step_by(size_of::<$word>()) {
                // SAFETY: inside by the loop's bound, aligned by the caller; an atomic is valid for any bytes.
                let place = unsafe { &*shared.add(at).cast::<$atomic>() };
                let word = place.load(Relaxed); // no edge: `filled` carries the payload
                // SAFETY: inside by the loop's bound; `own` need not be aligned.
                unsafe { own.add(at).cast::<$word>().write_unaligned(word) };
            }
        }
    };
}

words!(in_by_8, out_by_8, AtomicU64, u64);
words!(in_by_4, out_by_4, AtomicU32, u32);
words!(in_by_2, out_by_2, AtomicU16, u16);
words!(in_by_1, out_by_1, AtomicU8, u8);

/// # Safety
///
/// `shared` is as the module says for a message of `size` bytes, `own` is valid for so many; `size` is a constant.
#[inline(always)]
#[cfg_attr(loom, allow(dead_code))]
unsafe fn copy_in(shared: *mut u8, own: *const u8, size: usize) {
    match unit(size) {
        // SAFETY: the caller's: both sides are valid for `size` bytes.
        _ if is_wide_alone(size, WIDE_ALONE_IN) => unsafe { opaque(shared, own, size, WIDEST_IN) },
        // SAFETY: the caller's; `unit` divides the size, and the place is aligned to it.
        8 => unsafe { in_by_8(shared, own, size) },
        // SAFETY: as above.
        4 => unsafe { in_by_4(shared, own, size) },
        // SAFETY: as above.
        2 => unsafe { in_by_2(shared, own, size) },
        // SAFETY: as above.
        _ => unsafe { in_by_1(shared, own, size) },
    }
}

/// # Safety
///
/// As for `copy_in`.
#[inline(always)]
#[cfg_attr(loom, allow(dead_code))]
unsafe fn copy_out(own: *mut u8, shared: *const u8, size: usize) {
    match unit(size) {
        // SAFETY: the caller's: both sides are valid for `size` bytes.
        _ if is_wide_alone(size, WIDE_ALONE_OUT) => unsafe { opaque(own, shared, size, WIDEST_OUT) },
        // SAFETY: the caller's; `unit` divides the size, and the place is aligned to it.
        8 => unsafe { out_by_8(own, shared, size) },
        // SAFETY: as above.
        4 => unsafe { out_by_4(own, shared, size) },
        // SAFETY: as above.
        2 => unsafe { out_by_2(own, shared, size) },
        // SAFETY: as above.
        _ => unsafe { out_by_1(own, shared, size) },
    }
}

/// A copy that the compiler cannot look into: it can assume nothing of the bytes, so a race is not undefined. From `widest` bytes on by the
/// widest registers.
///
/// # Safety
///
/// `from` is readable and `to` writable for `len` bytes, 16 at least.
#[cfg(all(target_arch = "x86_64", not(any(miri, plain_payload))))]
#[inline(always)]
unsafe fn opaque(to: *mut u8, from: *const u8, len: usize, widest: usize) {
    if len < widest.min(LARGE) {
        // SAFETY: the caller's.
        return unsafe { by_sixteen(to, from, len) };
    }
    if len < LARGE {
        // SAFETY: the caller's.
        return unsafe { by_c(to, from, len) };
    }
    // SAFETY: the caller's; the direction flag is clear by the calling convention; no stack is used.
    unsafe {
        core::arch::asm!(
            "rep movsb",
            inout("rcx") len => _,
            inout("rdi") to => _,
            inout("rsi") from => _,
            options(nostack, preserves_flags),
        );
    }
}

/// By `memcpy`, behind a pointer that the compiler cannot follow: to it this is any function, whose reads and writes it knows nothing of.
///
/// # Safety
///
/// `from` is readable and `to` writable for `len` bytes.
#[cfg(all(target_arch = "x86_64", not(any(miri, plain_payload))))]
#[inline(always)]
unsafe fn by_c(to: *mut u8, from: *const u8, len: usize) {
    unsafe extern "C" {
        fn memcpy(to: *mut u8, from: *const u8, len: usize) -> *mut u8;
    }
    let mut copy: unsafe extern "C" fn(*mut u8, *const u8, usize) -> *mut u8 = memcpy;
    // SAFETY: no instruction at all; the pointer stays as it is, and nothing behind it is looked at.
    #[allow(clippy::pointers_in_nomem_asm_block)]
    unsafe {
        core::arch::asm!("/* {} */", inout(reg) copy, options(pure, nomem, nostack, preserves_flags))
    };
    // SAFETY: the caller's; what is the library's and what is the program's does not overlap. Bytes that another process
    //  writes meanwhile come as they are: the function is machine code, to which a race is no more than that.
    unsafe { copy(to, from, len) };
}

/// Whole sixteens from the front, then the last sixteen, which may overlap them.
///
/// # Safety
///
/// `from` is readable and `to` writable for `len` bytes, 16 at least.
#[cfg(all(target_arch = "x86_64", not(any(miri, plain_payload))))]
#[inline(always)]
unsafe fn by_sixteen(to: *mut u8, from: *const u8, len: usize) {
    // SAFETY: the caller's: `at` stays below `last`, and 16 bytes from `last` on end at `len`. SSE2 is part of x86_64.
    unsafe {
        core::arch::asm!(
            "2:",
            "movdqu {sixteen}, [{from} + {at}]",
            "movdqu [{to} + {at}], {sixteen}",
            "add {at}, 16",
            "cmp {at}, {last}",
            "jb 2b",
            "movdqu {sixteen}, [{from} + {last}]",
            "movdqu [{to} + {last}], {sixteen}",
            at = inout(reg) 0_usize => _,
            last = in(reg) len - 16,
            from = in(reg) from,
            to = in(reg) to,
            sixteen = out(xmm_reg) _,
            options(nostack),
        );
    }
}

/// # Safety
///
/// `from` is readable and `to` writable for `len` bytes, and nobody writes to the one or uses the other meanwhile.
#[cfg(plain_payload)]
unsafe fn opaque(to: *mut u8, from: *const u8, len: usize, _widest: usize) {
    // SAFETY: the caller's; what is the library's and what is the program's does not overlap.
    unsafe { core::ptr::copy_nonoverlapping(from, to, len) };
}

/// # Safety
///
/// Never called: `is_wide` is false where this one is compiled.
#[cfg(not(any(plain_payload, all(target_arch = "x86_64", not(miri)))))]
unsafe fn opaque(_to: *mut u8, _from: *const u8, _len: usize, _widest: usize) {}

/// Copies of single messages of 8 bytes as steps of a replay.
#[cfg(all(test, not(loom)))]
mod replayed {
    use super::Payload;
    use crate::sync::replay::{Operation, answer};

    /// Whether a replay has written the message, or rather has not.
    pub(super) fn is_written<T: Payload>(place: usize, message: &T) -> bool {
        let Ok(bytes) = bytemuck::bytes_of(message).try_into() else { return false };
        answer(place, Operation::Write(u64::from_ne_bytes(bytes))).is_some()
    }

    /// What a replay says was read.
    pub(super) fn read<T: Payload>(place: usize) -> Option<T> {
        let message = (size_of::<T>() == 8).then(|| answer(place, Operation::Read))?;
        message.map(|message| bytemuck::pod_read_unaligned(&message.to_ne_bytes()))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn there_and_back<T: Payload + PartialEq + core::fmt::Debug>(message: T) {
        let mut place = [0_u128; 512];
        let place = place.as_mut_ptr().cast::<T>();
        // SAFETY: a local buffer of 8 KiB, 16-aligned, larger than any `T` below.
        unsafe { write(place, &message) };
        // SAFETY: as above.
        assert_eq!(unsafe { read(place) }, message);
    }

    #[test]
    fn every_size_and_alignment_arrives_as_it_went() {
        there_and_back(());
        there_and_back(7_u8);
        there_and_back([1_u8, 2, 3]);
        there_and_back([0x1234_u16, 0x5678, 0x9abc]);
        there_and_back([1_u32, 2, 3]);
        there_and_back([f64::MAX, -0.5]);
        there_and_back(u128::MAX - 5);
        there_and_back([1_u64, 2, 3]);
        there_and_back(core::array::from_fn::<u8, 33, _>(|i| i as u8));
        there_and_back(core::array::from_fn::<u16, 45, _>(|i| i as u16));
        there_and_back(core::array::from_fn::<u64, 31, _>(|i| i as u64));
        there_and_back(core::array::from_fn::<u64, 32, _>(|i| i as u64));
        there_and_back(core::array::from_fn::<u8, 511, _>(|i| i as u8));
        there_and_back(core::array::from_fn::<u64, 64, _>(|i| i as u64));
        there_and_back(core::array::from_fn::<u64, 127, _>(|i| i as u64));
        there_and_back(core::array::from_fn::<u64, 128, _>(|i| i as u64));
        there_and_back(core::array::from_fn::<u64, 1000, _>(|i| i as u64));
    }

    #[test]
    fn bytes_arrive_as_they_went_wherever_they_begin() {
        for len in (0..80).chain([255, 256, 257, 511, 512, 1023, 1024, 2047, 2048, 4001]) {
            for from in 0..9 {
                let bytes: Vec<u8> = (0..len).map(|i| (i * 31 + 7) as u8).collect();
                let mut places = vec![0xee_u8; len + 24];
                let first = places.as_ptr().addr().next_multiple_of(8) - places.as_ptr().addr() + from;
                // SAFETY: a local buffer that is larger.
                unsafe { write_bytes(places[first..].as_mut_ptr(), &bytes) };
                assert!(places[..first].iter().chain(&places[first + len..]).all(|byte| *byte == 0xee), "{from} {len}");
                let mut back = vec![0; len];
                // SAFETY: as above.
                unsafe { read_bytes(back.as_mut_ptr(), places[first..].as_ptr(), len) };
                assert_eq!(back, bytes);
            }
        }
    }

    #[test]
    fn runs_arrive_as_they_went() {
        for len in [0, 1, 7, 8, 63, 64, 255, 256, 1023, 1024, 4096] {
            let words: Vec<u64> = (0..len).map(|i| i as u64 * 0x0101_0307).collect();
            let mut place = vec![0; len];
            // SAFETY: a local buffer of this length.
            unsafe { write_run(place.as_mut_ptr(), &words) };
            let mut back = vec![0; len];
            // SAFETY: as above.
            unsafe { read_run(&mut back, place.as_ptr()) };
            assert_eq!(back, words);
            let bytes: Vec<u8> = (0..len).map(|i| (i * 31) as u8).collect();
            let mut place = vec![0; len];
            // SAFETY: a local buffer of this length.
            unsafe { write_run(place.as_mut_ptr(), &bytes) };
            let mut back = vec![0; len];
            // SAFETY: as above.
            unsafe { read_run(&mut back, place.as_ptr()) };
            assert_eq!(back, bytes);
        }
    }
}
