//! Whose components a domain takes, and whether it takes unsigned ones.

use std::sync::{Arc, Mutex};

use eventdbx_sandbox::ComponentHash;
use eventdbx_store::{
    AggregateRef,
    plugindb::{Named, PluginDb},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{
    PluginError, lock,
    registry::{Registry, internal},
    signature::{PublicKey, Signature},
};
use crate::limits::TRUSTED_KEYS;

/// The one row in which the rules are kept.
const ROW: &str = "rules";
/// Where the log tells of them.
const HISTORY: (&str, &str) = ("$signing", "plugins");

/// How components must be signed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SigningRules {
    /// Whether a component that no trusted key signed is refused.
    pub require_signed: bool,
    /// Public keys, as `dbx plugin keygen` writes them.
    pub trusted_keys: Vec<String>,
}

/// The rules of a domain.
pub(super) struct Signing(Mutex<Arc<Rules>>);

#[derive(Debug, Default)]
struct Rules {
    required: bool,
    keys: Vec<PublicKey>,
}

impl Signing {
    /// Reads them.
    pub(super) fn open(db: &PluginDb) -> Result<Self, PluginError> {
        let rows = db.named(Named::Signing).map_err(internal)?;
        let row = rows.into_iter().find(|(name, _)| name == ROW);
        let rules = row.map(|(_, row)| serde_json::from_slice(&row)).transpose().map_err(internal)?;
        Ok(Self(Mutex::new(Arc::new(Rules::read(&rules.unwrap_or_default())?))))
    }

    fn current(&self) -> Arc<Rules> {
        Arc::clone(&lock(&self.0))
    }
}

impl Rules {
    fn read(rules: &SigningRules) -> Result<Self, PluginError> {
        let mut keys = Vec::new();
        let mut faults = Vec::new();
        for text in &rules.trusted_keys {
            match text.parse() {
                Ok(key) if keys.contains(&key) => {}
                Ok(key) => keys.push(key),
                Err(fault) => faults.push(format!("{fault}")),
            }
        }
        if keys.len() > TRUSTED_KEYS {
            faults.push(format!("a domain trusts at most {TRUSTED_KEYS} keys (TRUSTED_KEYS)"));
        }
        if faults.is_empty() {
            Ok(Self { required: rules.require_signed, keys })
        } else {
            Err(PluginError::Invalid(faults))
        }
    }

    fn told(&self) -> SigningRules {
        let trusted_keys = self.keys.iter().map(ToString::to_string).collect();
        SigningRules { require_signed: self.required, trusted_keys }
    }

    /// The id of the key that signed a component; none: it is not signed, and need not be. A signature that is given must
    /// hold, whether one is required or not.
    fn check(&self, component: ComponentHash, signature: Option<&str>) -> Result<Option<String>, String> {
        let Some(text) = signature else {
            let refused = "the component is not signed, and this domain requires it: give --signature FILE, made by \
                           `dbx plugin sign`";
            return if self.required { Err(refused.to_owned()) } else { Ok(None) };
        };
        let signature: Signature = text.parse().map_err(|fault| format!("{fault}"))?;
        let id = &signature.key_id;
        let Some(key) = self.keys.iter().find(|key| key.id() == *id) else {
            return Err(format!(
                "the component is signed by the key {id}, which this domain does not trust: `dbx plugin trust add KEYFILE`"
            ));
        };
        if key.verifies(&signature, component) {
            return Ok(Some(key.id()));
        }
        Err(format!(
            "the signature, made by the key {id}, is not of this component: one of the two was exchanged or changed"
        ))
    }
}

impl Registry {
    pub(super) fn signing(&self) -> SigningRules {
        self.services.signing.current().told()
    }

    pub(super) fn set_signing(&self, actor: &str, rules: &SigningRules) -> Result<SigningRules, PluginError> {
        let _changing = lock(&self.changing);
        let rules = Rules::read(rules)?;
        if rules.required && rules.keys.is_empty() {
            let message = "no key is trusted, so that nothing could be installed: trust one first";
            return Err(PluginError::invalid(message));
        }
        let (kind, id) = HISTORY;
        let history = AggregateRef::new(kind, id).map_err(internal)?;
        let ids: Vec<_> = rules.keys.iter().map(PublicKey::id).collect();
        let told = json!({ "require_signed": rules.required, "trusted_keys": ids }).to_string();
        self.tell(&history, "$signing_changed", &told, actor)?;
        let row = serde_json::to_vec(&rules.told()).map_err(internal)?;
        self.services.db.save_named(Named::Signing, ROW, &row).map_err(internal)?;
        *lock(&self.services.signing.0) = Arc::new(rules);
        Ok(self.signing())
    }

    /// Checks a component against the rules; the id of the key that signed it.
    pub(super) fn check_signature(
        &self,
        component: &str,
        signature: Option<&str>,
    ) -> Result<Option<String>, PluginError> {
        let unknown = |_| PluginError::NotFound { what: "component", name: component.to_owned() };
        let hash = component.parse().map_err(unknown)?;
        self.services.signing.current().check(hash, signature).map_err(PluginError::Untrusted)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::signature::SecretKey, *};

    #[test]
    fn only_what_a_trusted_key_signed_is_taken() {
        let (trusted, stranger) = (SecretKey::generate(), SecretKey::generate());
        let rules = |required| Rules { required, keys: vec![trusted.public()] };
        let (component, other) = (ComponentHash::of(b"component"), ComponentHash::of(b"other"));
        let signed = |key: &SecretKey| key.sign(b"component").to_string();
        let id = trusted.public().id();
        assert_eq!(rules(false).check(component, None), Ok(None));
        assert!(rules(true).check(component, None).unwrap_err().contains("not signed"));
        assert_eq!(rules(true).check(component, Some(&signed(&trusted))), Ok(Some(id.clone())));
        for required in [false, true] {
            let refused = rules(required).check(component, Some(&signed(&stranger))).unwrap_err();
            assert!(refused.contains(&stranger.public().id()), "{refused}");
            assert!(rules(required).check(other, Some(&signed(&trusted))).unwrap_err().contains(&id));
            assert!(rules(required).check(component, Some("nonsense")).is_err());
        }
        // The id of a trusted key does not make a signature of it.
        let claimed = signed(&stranger).replace(&stranger.public().id(), &id);
        assert!(rules(false).check(component, Some(&claimed)).is_err());
    }

    #[test]
    fn keys_that_are_none_are_refused() {
        let rules = SigningRules { require_signed: true, trusted_keys: vec!["a".to_owned(), "b".to_owned()] };
        assert!(matches!(Rules::read(&rules), Err(PluginError::Invalid(faults)) if faults.len() == 2));
    }
}
