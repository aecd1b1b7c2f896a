use proptest::prelude::*;

use super::*;
use crate::{BodyKind, Draft, Json, MasterKey, Mode, NewEvent, OpenOptions, SchemaDocument, system_clock};

fn body(payload: &str) -> Body {
    Body { actor: "alice".into(), payload: Json::trusted(payload), metadata: None, extensions: None, note: None }
}

fn object(members: usize) -> String {
    let members: Vec<String> = (0..members).map(|n| format!("\"m{n}\": {n}")).collect();
    format!("{{ {} }}", members.join(",\n"))
}

/// The commitment as `docs/FORMAT.md` has it, for a payload of two members.
fn by_hand(seed: [u8; 16], [(first, one), (second, two)]: [(&str, &str); 2]) -> [u8; 32] {
    let mut salts = [0; 192];
    blake3::Hasher::new().update(&[7]).update(&seed).finalize_xof().fill(&mut salts);
    let leaf = |salt: usize, name: &str, text: &str| {
        let length = (name.len() as u64).to_be_bytes();
        let bytes = [&[5, 4], &salts[salt..salt + 32], &length, name.as_bytes(), text.as_bytes()].concat();
        *blake3::hash(&bytes).as_bytes()
    };
    let root = blake3::hash(&[&[1][..], &leaf(128, first, one), &leaf(160, second, two)].concat());
    *blake3::hash(&[&[5, 0], &salts[..32], &2_u64.to_be_bytes(), root.as_bytes()].concat()).as_bytes()
}

#[test]
fn the_commitment_is_as_it_always_was() {
    let digest = |payload| commitment(&[7; 16], payload).expect("an object").to_string();
    assert_eq!(digest("{}"), "f556f2a6f40befce4509579826676fcb919a187ab98468fbb2f4136db54b8237");
    let expected = by_hand([7; 16], [("a", "1"), ("total", "\"12.50\"")]);
    assert_eq!(commitment(&[7; 16], r#"{"total":"12.50","a":1}"#), Some(Digest(expected)));
}

#[test]
fn white_space_and_order_do_not_count_but_names_and_texts_do() {
    let digest = |payload| commitment(&[7; 16], payload).expect("an object");
    let one = digest(r#"{"a":1,"é":{"b": 2}}"#);
    assert_eq!(digest("{ \"\\u00e9\":{\"b\": 2} ,\n\"a\" : 1}"), one);
    for other in [r#"{"a":1.0,"é":{"b": 2}}"#, r#"{"a":1,"é":{"b":2}}"#, r#"{"a":1}"#, r#"{"b":1,"é":{"b": 2}}"#, "{}"]
    {
        assert_ne!(digest(other), one, "{other}");
    }
    assert_ne!(commitment(&[8; 16], r#"{"a":1,"é":{"b": 2}}"#), Some(one));
    assert_eq!(commitment(&[7; 16], "[1]"), None);
    // The order is that of UTF-16: a character beyond the first plane comes before U+FF61.
    let names: Vec<String> =
        members("{\"\u{ff61}\":1,\"\u{1f600}\":2,\"a\":3}").expect("an object").into_iter().map(|m| m.name).collect();
    assert_eq!(names, ["a", "\u{1f600}", "\u{ff61}"]);
}

#[test]
fn every_member_of_any_number_is_proven() {
    for count in (1..20).chain([255, 256, 257, 600]) {
        let (seed, payload) = ([count as u8; 16], object(count));
        let whole = commitment(&seed, &payload).expect("an object");
        for index in [0, count / 2, count - 1] {
            let proof = prove(&seed, &body(&payload), [1; 16], &format!("m{index}")).expect("there");
            let leaf = merkle::member(&proof.salt, &proof.name, &proof.text);
            let root = merkle::implied_root(&leaf, proof.index, proof.count, &proof.path).expect("fits");
            assert_eq!(over(&proof.payload_salt, proof.count, &root), whole, "{index} of {count}");
        }
    }
}

proptest! {
    #[test]
    fn salts_are_where_they_are_said_to_be(seed in any::<[u8; 16]>(), index in 0_usize..50) {
        let mut all = merkle::member_salts(&seed);
        let salts: Vec<_> = (0..=index).map(|_| all.next_salt()).collect();
        prop_assert_eq!(salts[index], merkle::member_salts(&seed).nth_salt(index));
        let parts = merkle::salts(&seed);
        prop_assert_ne!(&salts[index], parts.of(Part::Payload));
    }
}

struct Place {
    domain: Domain,
    _dir: tempfile::TempDir,
}

fn redactable() -> Place {
    let dir = tempfile::tempdir().expect("a directory");
    let options = OpenOptions::new(system_clock());
    let domain = Domain::open(dir.path(), "default".parse().expect("a name"), &MasterKey::generate(), options);
    let place = Place { domain: domain.expect("opens"), _dir: dir };
    let schema = SchemaDocument::parse(r#"{"aggregate":"person","redactable":true,"additional":true}"#);
    place.domain.put_schema(schema.expect("a schema"), "alice", None).expect("writes");
    place
}

fn person(domain: &Domain, body_kind: BodyKind, body: &str) -> Header {
    let event = NewEvent { body_kind, note: Some("by hand".into()), ..NewEvent::new("person", "p-1", "changed", body) };
    let receipt = domain.append(Draft::one(event, "alice")).expect("appends");
    domain.event(receipt.events[0].event_id).expect("reads").expect("there").header
}

#[test]
fn a_member_is_shown_without_the_others() {
    let place = redactable();
    let domain = &place.domain;
    let header = person(domain, BodyKind::Payload, r#"{"name":"Ada",  "born": 1815, "address": {"city":"London"}}"#);
    for (name, text) in [("name", "\"Ada\""), ("born", "1815"), ("address", r#"{"city":"London"}"#)] {
        let proof = domain.prove_member(header.event_id, name).expect("reads").expect("there");
        assert_eq!((proof.name.as_str(), proof.text.as_str()), (name, text));
        assert!(proof.holds_for(&header));
        let wrong = [
            MemberProof { text: "1816".into(), ..proof.clone() },
            MemberProof { name: "died".into(), ..proof.clone() },
            MemberProof { index: proof.index ^ 1, ..proof.clone() },
            MemberProof { count: proof.count + 1, ..proof.clone() },
            MemberProof { actor: "bob".into(), ..proof.clone() },
            MemberProof { salt: [0; 32], ..proof.clone() },
            MemberProof { path: proof.path[1..].to_vec(), ..proof.clone() },
            MemberProof { origin: [0; 16], ..proof.clone() },
        ];
        assert!(wrong.iter().all(|proof| !proof.holds_for(&header)));
        let other = Header { version: header.version.next(), ..header.clone() };
        assert!(!proof.holds_for(&other));
    }
    assert!(domain.prove_member(header.event_id, "died").expect("reads").is_none());
    let report = domain.verify(None, &mut |_, _| {}).expect("reads").expect("a report");
    assert_eq!(report.findings, Vec::<String>::new());
}

#[test]
fn what_follows_no_redactable_schema_is_committed_to_as_a_whole() {
    let place = redactable();
    let domain = &place.domain;
    let first = person(domain, BodyKind::Payload, r#"{"name":"Ada"}"#);
    assert!(domain.prove_member(first.event_id, "name").expect("reads").is_some());
    let patch = person(domain, BodyKind::Patch, r#"[{"op":"add","path":"/name","value":"Eve"}]"#);
    domain.set_mode(Mode::Off, "alice").expect("switches");
    let unchecked = person(domain, BodyKind::Payload, r#"{"name":"Ada"}"#);
    for header in [patch, unchecked] {
        assert!(domain.prove_member(header.event_id, "name").expect("reads").is_none());
    }
    let report = domain.verify(None, &mut |_, _| {}).expect("reads").expect("a report");
    assert_eq!(report.findings, Vec::<String>::new());
}
