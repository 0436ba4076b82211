//! `ringway ls`, `stat`, `inspect` and `rm` at many-to-many channels.
#![cfg(feature = "cli")]

#[path = "cli/process.rs"]
mod process;
mod support;

use process::run;
use ringway::mpmc::{Receiver, Sender};
use serde_json::Value;
use support::{Child, Dir, hang, role, tell};

const NAME: &str = "many";

fn arg(dir: &Dir) -> String {
    format!("--dir={}", dir.path().display())
}

fn json(args: &[&str]) -> Value {
    let text = run(args).well();
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&text)))
}

fn text(args: &[&str]) -> String {
    String::from_utf8(run(args).well()).expect("text")
}

fn numbers(object: &Value, keys: &[&str]) -> Vec<u64> {
    keys.iter().map(|key| object[key].as_u64().unwrap_or_else(|| panic!("{key}: {object}"))).collect()
}

/// Two messages that wait, one in the hand of a member that was killed; the others are in this process.
fn killed(test: &str, dir: &Dir, is_persistent: bool) -> Sender<u64> {
    let options = dir.options().capacity(10).members(8).in_hand(3).operations(5).persistent(is_persistent);
    let tx = Sender::<u64>::create_with(NAME, &options).unwrap();
    (0..3).for_each(|n| tx.send(n).unwrap());
    let mut child = Child::start(test, "holder", dir);
    child.expect("0");
    child.kill();
    tx
}

/// The part of the child that is to be killed.
fn hold() {
    if role().is_some() {
        let rx = Receiver::<u64>::open_with(NAME, &Dir::new().options()).unwrap();
        let guard = rx.recv_ref().unwrap();
        tell(*guard);
        hang();
    }
}

#[test]
fn a_channel_of_many_is_told_in_full() {
    hold();
    let dir = Dir::new();
    let tx = killed(&here!(), &dir, false);
    let (more, pid) = (tx.clone(), std::process::id());
    let object = json(&["stat", NAME, "--json", &arg(&dir)]);
    let listed = json(&["ls", "--json", &arg(&dir)]);
    assert_eq!(listed[0]["members"], object["members"], "one object for both");
    assert_eq!(object["kind"].as_str(), Some("mpmc"));
    assert!(object.get("sender").is_none() && object.get("receiver").is_none(), "{object}");
    let keys = ["capacity", "depth", "sent", "received", "in_hand", "in_hand_max", "operations_max", "members_max"];
    assert_eq!(numbers(&object, &keys), [10, 2, 3, 1, 1, 3, 5, 8]);
    assert_eq!(numbers(&object, &["senders", "receivers", "tombs", "dropped"]), [2, 0, 0, 0]);
    let states = ["sender_state", "receiver_state"].map(|key| object[key].as_str().unwrap().to_owned());
    assert_eq!(states, ["attached", "died"].map(str::to_owned));
    assert_eq!(["closed", "stale", "persistent"].map(|key| object[key].as_bool().unwrap()), [false; 3]);
    let members = object["members"].as_array().unwrap();
    let keys = ["member", "pid", "generation", "senders", "receivers"];
    assert_eq!(numbers(&members[0], &keys), [0, pid.into(), 1, 2, 0]);
    assert_eq!((members[0]["state"].as_str(), members[1]["state"].as_str()), (Some("attached"), Some("died")));
    assert!(members[0]["command"].is_string() && members[1]["command"].is_null());

    let table = text(&["ls", "--interval=0", &arg(&dir)]);
    let line = table.lines().nth(1).expect("a line");
    assert!(line.contains(&format!("{pid} (")) && line.contains(") x 2  died"), "{table}");
    let _other = Sender::<u64>::open_with(NAME, &dir.options()).unwrap();
    assert!(text(&["ls", "--interval=0", &arg(&dir)]).contains("3 in 2 attachments"));

    more.close();
    let page = text(&["stat", NAME, &arg(&dir)]);
    let attached = format!("member    0: attached, pid {pid} (");
    for part in [
        "many (mpmc)",
        "10 messages: as many slots, 16 B each",
        "2 of 10",
        "senders   3 in 2 attachments",
        "receivers died",
        "in hand   1 of 3",
        "of 5 leased",
        "closed    nothing may be sent",
        &attached,
        ", generation 1, 2 senders, 0 receivers",
        "member    1: died, pid ",
        ", generation 1, 0 senders, 1 receiver\n",
    ] {
        assert!(page.contains(part), "{part:?} is missing:\n{page}");
    }
}

#[test]
fn a_file_of_many_is_told_field_by_field() {
    hold();
    let dir = Dir::new();
    let _tx = killed(&here!(), &dir, false);
    let object = json(&["inspect", NAME, "--json", "--frames", &arg(&dir)]);
    assert_eq!((object["sound"].as_bool(), object["problems"].as_array().map(Vec::len)), (Some(true), Some(0)));
    let seen = ringway::observe::inspect(NAME, Some(dir.path()), 10).unwrap();
    let rows = object["fields"].as_array().unwrap();
    assert_eq!(rows.len(), seen.fields.len());
    for (row, field) in rows.iter().zip(&seen.fields) {
        assert_eq!((row["name"].as_str(), row["page"].as_str()), (Some(field.name), Some(field.page.name())));
        assert_eq!((row["index"].as_u64(), row["at"].as_u64()), (field.page.index(), Some(field.at())));
        assert_eq!(row["value"].as_u64(), field.number());
        // How long ago a process started is another number each time.
        assert!(row["text"].as_str() == field.text.as_deref() || field.name == "started", "{row}");
    }
    assert_eq!(numbers(&object["ring"], &["capacity", "head", "tail"]), [10, 1, 3]);
    assert!(object["words"].is_null() && object.get("frames").is_none());
    let states: Vec<_> =
        object["slots"].as_array().unwrap().iter().map(|slot| slot["state"].as_str().unwrap()).collect();
    assert_eq!(states[..4], ["free", "full", "full", "free"]);
    assert!(json(&["inspect", NAME, "--json", &arg(&dir)]).get("slots").is_none());

    let page = text(&["inspect", NAME, "--frames", &arg(&dir)]);
    for part in [
        "shared page, at 4096\n",
        "member 0, at 8192\n",
        "member 1, at 8320\n",
        "record 1, at 9344\n",
        "hand 0, at 9856\n",
        "member 1, generation 1",
        "message 0, delivery 1",
        "lock bytes: gate held, repairs free, member 0 held, member 1 free\n",
        "claimed by senders 3, by receivers 1, 2 in the ring",
        "taken over",
    ] {
        assert!(page.contains(part), "{part:?} is missing:\n{page}");
    }
    assert!(!page.contains("WRONG"), "{page}");
}

#[test]
fn a_persistent_one_without_users_is_told_and_removed_by_name_alone() {
    hold();
    let dir = Dir::new();
    let tx = killed(&here!(), &dir, true);
    run(&["rm", NAME, &arg(&dir)]).badly(&[NAME, "in use", &format!("process {}", std::process::id())]);
    drop(tx);
    let object = json(&["stat", NAME, "--json", "--interval=0", &arg(&dir)]);
    assert_eq!(numbers(&object, &["depth", "in_hand", "senders"]), [2, 1, 0]);
    assert_eq!((object["persistent"].as_bool(), object["stale"].as_bool()), (Some(true), Some(false)));
    let table = text(&["ls", "--interval=0", &arg(&dir)]);
    assert!(table.lines().nth(1).is_some_and(|line| line.ends_with("left    died      persistent")), "{table}");
    assert_eq!(text(&["clean", &arg(&dir)]), format!("kept {NAME}: persistent (`ringway rm` removes it)\n"));
    let tx = Sender::<u64>::open_with(NAME, &dir.options()).unwrap();
    let rx = Receiver::<u64>::open_with(NAME, &dir.options()).unwrap();
    let mut got: Vec<_> = (0..3).map(|_| rx.recv().unwrap()).collect();
    got.sort_unstable();
    assert_eq!(got, [0, 1, 2], "looking has changed nothing");
    drop((tx, rx));
    assert_eq!(text(&["rm", NAME, &arg(&dir)]), format!("removed {NAME}\n"));
    assert!(dir.files().is_empty());
}

#[test]
fn what_is_wrong_with_a_file_of_many_is_said_and_left() {
    let dir = Dir::new();
    let tx = Sender::<u64>::create_with(NAME, &dir.options().capacity(4)).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(tx.path().unwrap()).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &9_u64.to_le_bytes(), 4096).unwrap();
    let ended = run(&["inspect", NAME, "--json", &arg(&dir)]).badly(&[NAME, "left alone"]).soon();
    let object: Value = serde_json::from_slice(&ended.stdout).expect("JSON");
    assert_eq!(object["problems"][0].as_str(), Some("shared page's tail: must be at most head + 4: head=0"));
    let page = run(&["inspect", NAME, &arg(&dir)]).badly(&[NAME]);
    assert!(String::from_utf8(page.stdout).unwrap().contains("open WRONG: must be at most head + 4"));
    std::os::unix::fs::FileExt::write_all_at(&file, &[0; 8], 4096).unwrap();
}
