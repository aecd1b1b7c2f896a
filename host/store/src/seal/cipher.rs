//! XAES-256-GCM (C2SP): AES-256-GCM under a key derived from half of a 192-bit nonce, so that random nonces never run out
//! and nobody has to count them.

use std::fmt;

use xaes_256_gcm::{
    Xaes256Gcm,
    aead::{AeadInOut, KeyInit},
};

/// Bytes of a nonce.
const NONCE: usize = 24;
/// Bytes of a tag.
const TAG: usize = 16;

/// A key, ready to seal and to open. It is wiped when it is dropped.
#[derive(Clone)]
pub struct Cipher(Xaes256Gcm);

impl Cipher {
    /// How many bytes longer a sealed text is.
    pub const OVERHEAD: usize = NONCE + TAG;

    /// Prepares a key.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Xaes256Gcm::new(key.into()))
    }

    /// Seals a text for the place that `aad` describes: nonce ‖ ciphertext ‖ tag.
    ///
    /// # Panics
    ///
    /// On a text of more than 64 GiB.
    #[must_use]
    pub fn seal(&self, aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(plaintext.len() + Self::OVERHEAD);
        self.seal_into(aad, plaintext, &mut sealed);
        sealed
    }

    /// Like [`seal`](Self::seal), put at the end of `out`.
    ///
    /// # Panics
    ///
    /// On a text of more than 64 GiB.
    pub fn seal_into(&self, aad: &[u8], plaintext: &[u8], out: &mut Vec<u8>) {
        let mut nonce = [0; NONCE];
        rand::fill(&mut nonce);
        self.seal_with(&nonce, aad, plaintext, out);
    }

    fn seal_with(&self, nonce: &[u8; NONCE], aad: &[u8], plaintext: &[u8], out: &mut Vec<u8>) {
        out.reserve(plaintext.len() + Self::OVERHEAD);
        out.extend_from_slice(nonce);
        let start = out.len();
        out.extend_from_slice(plaintext);
        let Ok(tag) = self.0.encrypt_inout_detached(nonce.into(), aad, (&mut out[start..]).into()) else {
            panic!("a text of more than 64 GiB cannot be sealed at once");
        };
        out.extend_from_slice(&tag);
    }

    /// Opens what was sealed for the same place. `None`: it was not, or was changed since, or under another key.
    #[must_use]
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let mut plaintext = Vec::new();
        self.open_into(aad, sealed, &mut plaintext)?;
        Some(plaintext)
    }

    /// Like [`open`](Self::open), in place of what `plaintext` held. For scans, which open row after row.
    #[must_use]
    pub fn open_into(&self, aad: &[u8], sealed: &[u8], plaintext: &mut Vec<u8>) -> Option<()> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE>()?;
        let (ciphertext, tag) = rest.split_last_chunk::<TAG>()?;
        plaintext.clear();
        plaintext.extend_from_slice(ciphertext);
        self.0.decrypt_inout_detached(nonce.into(), aad, plaintext.as_mut_slice().into(), tag.into()).ok()
    }
}

/// Shows nothing of the key.
impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cipher")
    }
}

#[cfg(test)]
mod tests {
    use shake::{
        Shake128,
        digest::{ExtendableOutput, Update, XofReader},
    };

    use super::*;

    /// What is sealed under a nonce that is given, without the nonce.
    fn sealed(key: &[u8; 32], nonce: &[u8; NONCE], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
        let cipher = Cipher::new(key);
        let mut out = b"before".to_vec();
        cipher.seal_with(nonce, aad, plaintext, &mut out);
        let sealed = out.strip_prefix(b"before").expect("put at the end");
        assert_eq!(cipher.open(aad, sealed).as_deref(), Some(plaintext));
        sealed.strip_prefix(nonce).expect("the nonce comes first").to_vec()
    }

    /// C2SP XAES-256-GCM, test vectors.
    #[test]
    fn the_vectors_of_the_specification() {
        let nonce = b"ABCDEFGHIJKLMNOPQRSTUVWX";
        assert_eq!(
            hex(&sealed(&[1; 32], nonce, b"", b"XAES-256-GCM")),
            "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"
        );
        assert_eq!(
            hex(&sealed(&[3; 32], nonce, b"c2sp.org/XAES-256-GCM", b"XAES-256-GCM")),
            "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"
        );
    }

    /// C2SP XAES-256-GCM, accumulated randomized tests: 10,000 iterations.
    #[test]
    fn the_accumulated_vectors_of_the_specification() {
        let mut random = Shake128::default().finalize_xof();
        let mut hash = Shake128::default();
        for _ in 0..10_000 {
            let (mut key, mut nonce) = ([0; 32], [0; NONCE]);
            random.read(&mut key);
            random.read(&mut nonce);
            let [plaintext, aad] = [(); 2].map(|()| {
                let mut length = [0];
                random.read(&mut length);
                let mut bytes = vec![0; length[0].into()];
                random.read(&mut bytes);
                bytes
            });
            hash.update(&sealed(&key, &nonce, &aad, &plaintext));
        }
        let mut result = [0; 32];
        hash.finalize_xof_into(&mut result);
        assert_eq!(hex(&result), "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939");
    }

    #[test]
    fn what_was_changed_or_moved_does_not_open() {
        let cipher = Cipher::new(&[7; 32]);
        let sealed = cipher.seal(b"here", b"text");
        assert_eq!(sealed.len(), 4 + Cipher::OVERHEAD);
        assert_eq!(cipher.open(b"here", &sealed).as_deref(), Some(&b"text"[..]));
        assert_eq!(cipher.open(b"there", &sealed), None);
        assert_eq!(Cipher::new(&[8; 32]).open(b"here", &sealed), None);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(cipher.open(b"here", &changed), None, "byte {at}");
            assert_eq!(cipher.open(b"here", &sealed[..at]), None, "{at} bytes");
        }
    }

    #[test]
    fn a_text_is_never_sealed_the_same_way_twice() {
        let cipher = Cipher::new(&[7; 32]);
        assert_ne!(cipher.seal(b"", b"text"), cipher.seal(b"", b"text"));
    }

    #[test]
    fn keys_are_wiped_when_they_are_dropped() {
        fn wiped<T: zeroize::ZeroizeOnDrop>() {}
        wiped::<Xaes256Gcm>();
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
