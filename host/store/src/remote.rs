//! What the domain knows of its remote, sealed: a token must lie nowhere in clear.

use crate::{
    Domain, Micros,
    seal::{Binding, RecordKind},
};

impl Domain {
    /// When it was made.
    #[must_use]
    pub fn created_at(&self) -> Micros {
        self.inner.files.keys.keyring.created_at()
    }

    /// Seals what is known of the domain's remote. It opens in this domain only.
    #[must_use]
    pub fn seal_remote(&self, plain: &[u8]) -> Vec<u8> {
        self.plugin_cipher().seal(&self.own_binding(RecordKind::Remote), plain)
    }

    /// Opens what [`seal_remote`](Self::seal_remote) made; none: it is damaged, or another domain's.
    #[must_use]
    pub fn open_remote(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        self.plugin_cipher().open(&self.own_binding(RecordKind::Remote), sealed)
    }

    /// What is sealed is bound to this domain and to nothing in it.
    pub(crate) fn own_binding(&self, kind: RecordKind) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(32);
        Binding::new(&mut bytes, kind, &[0; 8], self.inner.files.keys.keyring.domain_id()).finish();
        bytes
    }
}

#[cfg(test)]
mod tests {
    use crate::{Domain, MasterKey, OpenOptions, system_clock};

    #[test]
    fn a_remote_opens_in_its_own_domain_only() {
        let (dir, master) = (tempfile::tempdir().unwrap(), MasterKey::generate());
        let [ours, theirs] = ["ours", "theirs"].map(|name| {
            let options = OpenOptions::new(system_clock());
            Domain::open(&dir.path().join(name), name.parse().unwrap(), &master, options).unwrap()
        });
        let sealed = ours.seal_remote(b"token");
        assert_eq!(ours.open_remote(&sealed).as_deref(), Some(&b"token"[..]));
        assert_eq!(theirs.open_remote(&sealed), None);
        assert_eq!(ours.open_remote(&sealed[1..]), None);
    }
}
