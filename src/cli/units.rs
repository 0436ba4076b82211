//! Numbers with units, in and out.

use std::time::Duration;

/// `4096`, `64K`, `1M`, `2G`; also `64KiB` and lower case. K is 1024.
pub(crate) fn parse_bytes(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kib" => 10,
        "m" | "mib" => 20,
        "g" | "gib" => 30,
        _ => return Err("a number of bytes, with K, M or G if need be".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "a number of bytes, with K, M or G if need be".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "too many bytes".to_owned())
}

/// `500 us`, `10 ms`, `2 s`.
pub(crate) fn duration(time: Duration) -> String {
    match time.as_micros() {
        us if us % 1_000_000 == 0 => format!("{} s", us / 1_000_000),
        us if us % 1000 == 0 => format!("{} ms", us / 1000),
        us => format!("{us} us"),
    }
}

/// `512 B`, `64 KiB`, `1.5 GiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if value.fract() == 0.0 { format!("{value:.0} {}", UNITS[unit]) } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// `200ms`, `1s`, `1.5s`, `2m`; a bare number only if it is 0. At most a day.
pub(crate) fn parse_time(text: &str) -> Result<Duration, String> {
    let wrong = || "a time with its unit: 200ms, 1s, 2m".to_owned();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let seconds = match unit {
        "us" => number / 1e6,
        "ms" => number / 1e3,
        "s" => number,
        "m" => number * 60.0,
        "h" => number * 3600.0,
        "" if number == 0.0 => number,
        _ => return Err(wrong()),
    };
    if seconds > 86_400.0 {
        return Err("at most a day".to_owned());
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

/// The same, and more than nothing.
pub(crate) fn parse_some_time(text: &str) -> Result<Duration, String> {
    parse_time(text)
        .and_then(|time| if time.is_zero() { Err("a time, not 0: 200ms, 1s, 2m".to_owned()) } else { Ok(time) })
}

/// `5.43 GB/s`, `812 MB/s`. Rates are decimal, as those of memory and disks are.
pub(crate) fn rate(bytes_per_second: f64) -> String {
    match bytes_per_second {
        rate if rate >= 1e9 => format!("{:.2} GB/s", rate / 1e9),
        rate if rate >= 1e6 => format!("{:.0} MB/s", rate / 1e6),
        rate if rate >= 1e3 => format!("{:.0} kB/s", rate / 1e3),
        rate => format!("{rate:.0} B/s"),
    }
}

/// `312/s`, `45.1 k/s`, `1.23 M/s`: messages.
pub(crate) fn messages_rate(per_second: f64) -> String {
    match per_second {
        rate if rate >= 1e6 => format!("{:.2} M/s", rate / 1e6),
        rate if rate >= 1e4 => format!("{:.1} k/s", rate / 1e3),
        rate => format!("{rate:.0}/s"),
    }
}

/// `312 ns`, `9 481 ns`.
pub(crate) fn nanoseconds(ns: f64) -> String {
    let digits = format!("{ns:.0}");
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped + " ns"
}

/// Bytes in so much time.
pub(crate) fn per_second(bytes: u64, time: Duration) -> f64 {
    bytes as f64 / time.max(Duration::from_nanos(1)).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_with_and_without_units_are_understood() {
        for (text, value) in [("0", 0), ("17", 17), ("64K", 65536), ("64kib", 65536), ("1M", 1 << 20), ("3G", 3 << 30)]
        {
            assert_eq!(parse_bytes(text), Ok(value), "{text}");
        }
        for text in ["", "K", "-1", "1.5M", "1T", "99999999999999999999", "17179869184G", " 1"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_have_units() {
        for (text, ms) in [("0", 0), ("0s", 0), ("200ms", 200), ("1s", 1000), ("1.5s", 1500), ("2m", 120_000)] {
            assert_eq!(parse_time(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        assert_eq!(parse_time("250us"), Ok(Duration::from_micros(250)));
        for text in ["", "1", "s", "-1s", "1d", "1 s", "1.5.5s", "25h", "99999999999999999999999999s", ".", "inf"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
        assert!(parse_some_time("0").is_err() && parse_some_time("0ms").is_err() && parse_some_time("1us").is_ok());
    }

    #[test]
    fn times_are_printed_with_their_units() {
        for (us, shown) in [(500, "500 us"), (1000, "1 ms"), (2_000_000, "2 s"), (1500, "1500 us")] {
            assert_eq!(duration(Duration::from_micros(us)), shown);
        }
    }

    #[test]
    fn numbers_are_printed_as_people_read_them() {
        assert_eq!([bytes(0), bytes(1023), bytes(1 << 20), bytes(3 << 29)], ["0 B", "1023 B", "1 MiB", "1.5 GiB"]);
        assert_eq!([rate(5.432e9), rate(8.119e8), rate(1500.0)], ["5.43 GB/s", "812 MB/s", "2 kB/s"]);
        assert_eq!([rate(0.0), rate(12.3), messages_rate(12.3)], ["0 B/s", "12 B/s", "12/s"]);
        assert_eq!(
            [messages_rate(0.0), messages_rate(45_123.0), messages_rate(1.23e6)],
            ["0/s", "45.1 k/s", "1.23 M/s"]
        );
        assert_eq!([nanoseconds(312.4), nanoseconds(9481.0), nanoseconds(1e6)], ["312 ns", "9 481 ns", "1 000 000 ns"]);
    }
}
