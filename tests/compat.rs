//! Channels in place of crossbeam-channel's and std's.

use ringway::compat::{crossbeam, std_mpsc};

#[test]
fn debug_texts_need_no_message() {
    let (s, r) = crossbeam::bounded::<u8>(1);
    assert_eq!(
        format!("{s:?} {r:?} {:?} {:?}", r.iter(), r.try_iter()),
        "Sender { .. } Receiver { .. } Iter { .. } TryIter { .. }"
    );
    assert_eq!(format!("{:?}", r.into_iter()), "IntoIter { .. }");
    let (s, r) = std_mpsc::sync_channel::<u8>(1);
    let (std_s, std_r) = std::sync::mpsc::sync_channel::<u8>(1);
    assert_eq!(
        format!("{s:?} {r:?} {:?} {:?}", r.iter(), r.try_iter()),
        format!("{std_s:?} {std_r:?} {:?} {:?}", std_r.iter(), std_r.try_iter())
    );
    assert_eq!(format!("{:?}", r.into_iter()), format!("{:?}", std_r.into_iter()));
}
