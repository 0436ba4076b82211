//! Which run of the kernel this is.

use std::io;

/// 128 bits that the kernel draws when it starts.
pub(crate) fn id() -> io::Result<[u8; 16]> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    parse(&text).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The bytes of a UUID.
fn parse(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    let mut digits = text.trim().bytes().filter(|byte| *byte != b'-').map(|byte| char::from(byte).to_digit(16));
    for byte in &mut bytes {
        let (high, low) = (digits.next()??, digits.next()??);
        *byte = (high << 4 | low) as u8;
    }
    digits.next().is_none().then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_sixteen_bytes() {
        let bytes = parse("00112233-4455-6677-8899-aabbccddeeff\n").expect("a UUID");
        assert_eq!(bytes, std::array::from_fn(|at| at as u8 * 0x11));
        for other in ["", "0011", "00112233-4455-6677-8899-aabbccddeeffe", "g0112233-4455-6677-8899-aabbccddeeff"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    #[test]
    fn this_run_has_one() {
        let id = id().expect("/proc");
        assert_ne!(id, [0; 16]);
        assert_eq!(super::id().expect("/proc"), id);
    }
}
