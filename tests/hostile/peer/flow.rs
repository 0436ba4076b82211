//! Streams, one way and both.

use super::typed::ends;
use super::writes::Memory;
use super::{MOMENT, NAME, Program};
use ringway::stream::{Duplex, Reader, Writer};
use ringway::{Options, WaitStrategy};
use std::io::{BufRead, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

fn shaped(program: &mut Program<'_>) -> (Options, [u8; 3]) {
    let (capacity, frame) = (program.byte(), program.byte() % 16);
    let made = program.made().persistent(false).capacity(1 + usize::from(capacity) * 5);
    (made.frame_bytes(24 + 8 * usize::from(frame)), [capacity, frame, program.how & 64])
}

pub(super) fn stream(program: &mut Program<'_>) {
    let (made, [capacity, frame, waiter]) = shaped(program);
    let create = (|made: &Options| Writer::create_with(NAME, made).ok(), |writer: &Writer| writer.descriptor().ok());
    let open = |opened: &Options| Reader::open_with(NAME, opened).ok();
    let told = [5, capacity, frame, waiter];
    let Some((mut writer, mut reader, _)) = ends(program, &made, &told, create, open) else { return };
    for _ in program.calls() {
        if program.input.is_empty() {
            break;
        }
        match program.byte() % 16 {
            0 => program.meddle(),
            1..8 => write(program, &mut writer),
            _ => read(program, &mut reader),
        }
    }
    if program.how & 8 != 0 {
        program.wait(|| writer.abort());
        program.wait(|| drop(reader));
    } else {
        // Before the writer, which would wait for what it has not taken.
        program.wait(|| drop(reader));
        program.wait(|| drop(writer));
    }
}

fn write(program: &mut Program<'_>, writer: &mut Writer) {
    let bytes = vec![9; program.length()];
    match program.byte() % 10 {
        0..3 => {
            writer.set_nonblocking(true);
            assert!(program.now(|| writer.write(&bytes)).unwrap_or(0) <= bytes.len());
        }
        3 => {
            writer.set_nonblocking(false);
            let _ = writer.set_write_timeout(Some(MOMENT));
            assert!(program.wait(|| writer.write(&bytes)).unwrap_or(0) <= bytes.len());
        }
        4 | 5 => {
            if let Ok(Some(mut grant)) = program.wait(|| writer.reserve_timeout(bytes.len(), MOMENT)) {
                program.scribble();
                let filled = grant.copy_from_slice(&bytes);
                program.now(|| grant.commit(filled / 2));
            }
        }
        6 => drop(program.wait(|| writer.check())),
        7 => drop(program.wait(|| writer.wait_finished(MOMENT))),
        8 => drop(program.wait(|| (writer.wait_for_peer(MOMENT), writer.stats(), format!("{writer:?}")))),
        _ if bytes.len() % 8 == 1 => program.now(|| writer.close()),
        _ => writer.set_wait(WaitStrategy::Spin),
    }
    assert!(program.now(|| writer.taken()) <= writer.written());
}

fn read(program: &mut Program<'_>, reader: &mut Reader) {
    let mut bytes = vec![0; program.length()];
    let capacity = reader.capacity();
    match program.byte() % 8 {
        0..3 => {
            reader.set_nonblocking(true);
            assert!(program.now(|| reader.read(&mut bytes)).unwrap_or(0) <= bytes.len());
        }
        3 => {
            reader.set_nonblocking(false);
            let _ = reader.set_read_timeout(Some(MOMENT));
            assert!(program.wait(|| reader.read(&mut bytes)).unwrap_or(0) <= bytes.len());
        }
        4 | 5 => {
            let there = program.wait(|| reader.fill_buf_timeout(MOMENT).ok().flatten().map_or(0, <[u8]>::len));
            assert!(there <= capacity);
            program.scribble();
            program.now(|| reader.consume(there.min(bytes.len())));
        }
        6 => drop(program.wait(|| (reader.wait_for_peer(Duration::ZERO), reader.stats(), format!("{reader:?}")))),
        _ if bytes.len() % 8 == 1 => program.now(|| reader.close()),
        _ => drop(program.now(|| reader.received())),
    }
}

/// Both ways are one channel each; the peer writes that which the second side reads, or the other.
pub(super) fn duplex(program: &mut Program<'_>) {
    if program.backing % 4 == 3 {
        program.backing = 0;
    }
    let (made, [capacity, frame, waiter]) = shaped(program);
    let opened = program.opened();
    let Ok(mut first) = program.wait(|| Duplex::create_with(NAME, &made)) else { return };
    let way = if program.how & 16 != 0 { "a" } else { "b" };
    let told = [6, capacity, frame, waiter | (way.as_bytes()[0] & 1)];
    let memory = Memory::named(&format!("{NAME}.{way}"), program.directory, &told);
    let Ok(mut second) = program.wait(|| Duplex::open_with(NAME, &opened)) else { return };
    program.attack(memory);
    for side in [&mut first, &mut second] {
        side.set_nonblocking(true);
    }
    for _ in program.calls() {
        if program.input.is_empty() {
            break;
        }
        let (which, len) = (program.byte(), program.length());
        let side = if which & 16 == 0 { &mut first } else { &mut second };
        match which % 16 {
            0 => program.meddle(),
            1..4 => drop(program.now(|| side.write(&vec![1; len]))),
            4..7 => drop(program.now(|| side.read(&mut vec![0; len]))),
            7 => drop(program.now(|| side.fill_buf().map(<[u8]>::len))),
            8 => program.now(|| side.consume(len % 4)),
            9 => write(program, side.writer()),
            10 => read(program, side.reader()),
            11 => drop(program.wait(|| side.wait_for_peer(MOMENT))),
            12 => drop(program.now(|| side.shutdown([Shutdown::Read, Shutdown::Write, Shutdown::Both][len % 3]))),
            13 => drop(program.wait(|| Duplex::open_with(NAME, &opened))),
            14 => drop(program.now(|| format!("{side:?}"))),
            _ => side.set_nonblocking(true),
        }
    }
    let ([reader, other], [writer, another]) = {
        let ((one, two), (three, four)) = (first.split(), second.split());
        ([one, three], [two, four])
    };
    program.wait(|| drop((reader, other)));
    program.wait(|| drop((writer, another)));
}
