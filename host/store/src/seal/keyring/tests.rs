//! Keyrings: opened by their master key, and by nothing else.

use std::os::unix::fs::PermissionsExt;

use ed25519_dalek::{Signer, Verifier};

use super::*;

fn keyring() -> Keyring {
    Keyring::create(&"default".parse().expect("a name"), Micros::new(1_357_035_300_000_000))
}

#[test]
fn a_keyring_is_read_back_as_it_was_written() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("keyring");
    let (master, made) = (MasterKey::generate(), keyring());
    made.write_new(&path, &master).expect("written");
    assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 1, "nothing is left beside it");

    let read = Keyring::read(&path, &master).expect("opens");
    assert_eq!(read.domain_id(), made.domain_id());
    assert_eq!((read.name(), read.created_at, read.epoch()), (made.name(), made.created_at, 1));
    assert_eq!(read.id_key(), made.id_key());
    assert_eq!(read.dek().open(b"", &made.dek().seal(b"", b"x")).as_deref(), Some(&b"x"[..]));
    assert_eq!(read.plugin_cipher().open(b"", &made.plugin_cipher().seal(b"", b"x")).as_deref(), Some(&b"x"[..]));
    assert!(read.dek_of(2).is_none());
    let signature = read.signing_key().sign(b"head");
    assert!(made.verifying_key().verify(b"head", &signature).is_ok());
}

#[test]
fn no_two_keyrings_share_a_key() {
    let (one, other) = (keyring(), keyring());
    assert_ne!(one.domain_id(), other.domain_id());
    assert_ne!(one.id_key(), other.id_key());
    assert_ne!(one.verifying_key(), other.verifying_key());
    assert_eq!(other.dek().open(b"", &one.dek().seal(b"", b"x")), None);
    assert_eq!(one.plugin_cipher().open(b"", &one.dek().seal(b"", b"x")), None);
}

#[test]
fn a_keyring_is_never_written_over() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("keyring");
    let master = MasterKey::generate();
    fs::write(dir.path().join("keyring.new"), b"left over from a crash").expect("written");
    keyring().write_new(&path, &master).expect("written");
    let before = fs::read(&path).expect("there");
    let error = keyring().write_new(&path, &master).expect_err("there is one");
    assert!(matches!(error, KeyringError::Disk(error) if error.kind() == io::ErrorKind::AlreadyExists));
    assert_eq!(fs::read(&path).expect("there"), before);
}

#[test]
fn a_wrong_master_key_is_told_from_damage() {
    let (master, wrong) = (MasterKey::generate(), MasterKey::generate());
    let file = keyring_file::encode(&keyring(), &master);
    assert!(matches!(keyring_file::decode(&file, &wrong), Err(KeyringError::WrongMasterKey)));
    for at in 0..file.len() {
        let mut damaged = file.clone();
        damaged[at] ^= 0x10;
        for key in [&master, &wrong] {
            match keyring_file::decode(&damaged, key) {
                Err(KeyringError::Damaged(_)) => {}
                Err(KeyringError::NewerFormat(_)) if at == 8 || at == 9 => {}
                Err(KeyringError::WrongMasterKey) if at >= file.len() - 32 => {}
                other => panic!("byte {at}: {:?}", other.map(|_| ())),
            }
        }
        assert!(matches!(keyring_file::decode(&file[..at], &master), Err(KeyringError::Damaged(_))), "{at} bytes");
    }
}

#[test]
fn a_change_with_a_mended_checksum_is_still_refused() {
    let master = MasterKey::generate();
    let file = keyring_file::encode(&keyring(), &master);
    let content = file.len() - 64;
    for at in 58..content {
        let mut forged = file.clone();
        forged[at] ^= 1;
        let checksum = blake3::hash(&forged[..content]);
        forged[content..content + 32].copy_from_slice(checksum.as_bytes());
        assert!(matches!(keyring_file::decode(&forged, &master), Err(KeyringError::Damaged(_))), "byte {at}");
    }
}

#[test]
fn the_clear_part_of_the_file_is_as_it_always_was() {
    let made = keyring();
    let file = keyring_file::encode(&made, &MasterKey::generate());
    assert_eq!(file[..10], *b"EDBXKEYS\0\x01");
    assert_eq!(file[10..26], *made.domain_id());
    assert_eq!(file[58..66], 1_357_035_300_000_000_u64.to_be_bytes());
    assert_eq!(file[66..74], *b"\x07default");
    assert_eq!(file[74..86], [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]);
    assert_eq!(file[86 + 72 + 72..][..32], *made.verifying_key().as_bytes());
    assert_eq!(file.len(), 86 + 4 * 72 + 32 + 64);
}

#[test]
fn a_missing_keyring_is_an_error_of_the_disk() {
    let error = Keyring::read(Path::new("/nonexistent/keyring"), &MasterKey::generate());
    assert!(matches!(error, Err(KeyringError::Disk(error)) if error.kind() == io::ErrorKind::NotFound));
}
