//! Events that are put aside until they are committed, sealed: they are payloads like any other.

use crate::{Domain, seal::RecordKind};

impl Domain {
    /// Seals what is put aside. It opens in this domain only.
    #[must_use]
    pub fn seal_stage(&self, plain: &[u8]) -> Vec<u8> {
        self.plugin_cipher().seal(&self.own_binding(RecordKind::Stage), plain)
    }

    /// Opens what [`seal_stage`](Self::seal_stage) made; none: it is damaged, or another domain's.
    #[must_use]
    pub fn open_stage(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        self.plugin_cipher().open(&self.own_binding(RecordKind::Stage), sealed)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Domain, MasterKey, OpenOptions, system_clock};

    #[test]
    fn a_stage_opens_in_its_own_domain_and_is_no_remote() {
        let (dir, master) = (tempfile::tempdir().unwrap(), MasterKey::generate());
        let [ours, theirs] = ["ours", "theirs"].map(|name| {
            let options = OpenOptions::new(system_clock());
            Domain::open(&dir.path().join(name), name.parse().unwrap(), &master, options).unwrap()
        });
        let sealed = ours.seal_stage(b"events");
        assert_eq!(ours.open_stage(&sealed).as_deref(), Some(&b"events"[..]));
        assert_eq!(ours.open_remote(&sealed), None);
        assert_eq!(theirs.open_stage(&sealed), None);
    }
}
