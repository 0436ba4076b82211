//! `tar`: an archive that is unpacked while it is packed.

use crate::{bytes, through};
use std::io::Read;
use tar::{Archive, Builder, Header};

/// Of sizes around those of tar's blocks, and of frames.
const SIZES: [usize; 7] = [0, 1, 511, 512, 513, 65_536, 300_001];

#[test]
fn an_archive_is_unpacked_while_it_is_packed() {
    through(
        |writer| {
            let mut archive = Builder::new(writer);
            for size in SIZES {
                let mut header = Header::new_gnu();
                header.set_size(size as u64);
                header.set_mode(0o640);
                header.set_cksum();
                archive.append_data(&mut header, format!("of/{size}"), &bytes(size)[..]).unwrap();
            }
            archive.into_inner().unwrap().finish().unwrap();
        },
        |reader| {
            let mut archive = Archive::new(reader);
            let mut sizes = Vec::new();
            for entry in archive.entries().unwrap() {
                let mut entry = entry.unwrap();
                let mut content = Vec::new();
                entry.read_to_end(&mut content).unwrap();
                assert!(content == bytes(content.len()));
                assert_eq!(entry.path().unwrap().to_str(), Some(&*format!("of/{}", content.len())));
                sizes.push(content.len());
            }
            // Up to the end, for which the writer waits.
            assert_eq!(std::io::copy(&mut archive.into_inner(), &mut std::io::sink()).unwrap() % 512, 0);
            sizes
        },
        |sizes| assert_eq!(sizes, SIZES),
    );
}

/// An archive whose packer died is not taken for a whole one.
#[test]
fn an_archive_that_breaks_off_is_an_error() {
    through(
        |writer| {
            let mut archive = Builder::new(writer);
            let mut header = Header::new_gnu();
            header.set_size(100_000);
            header.set_cksum();
            // The content ends before the header's size: the packer gives up.
            archive.append_data(&mut header, "cut", &bytes(70_000)[..]).unwrap();
            archive.into_inner().unwrap().abort();
        },
        |reader| {
            let mut archive = Archive::new(reader);
            let ended = archive.entries().unwrap().try_for_each(|entry| entry?.read_to_end(&mut Vec::new()).map(drop));
            ended.unwrap_err().kind()
        },
        |kind| assert_eq!(kind, std::io::ErrorKind::ConnectionAborted),
    );
}
