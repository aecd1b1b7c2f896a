//! Secrets of a domain, to which the configurations of plugins refer: `{{secret:NAME}}`.
//!
//! They are kept sealed, told of in the log by name alone, and put into a configuration only when it is handed to a guest.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use eventdbx_store::{
    AggregateRef,
    plugindb::{Named, PluginDb},
};
use serde_json::{Map, Value};

use super::{
    PluginError, lock,
    registry::{Registry, internal},
};
use crate::limits::{DOMAIN_SECRETS, SECRET_BYTES, SECRET_NAME_BYTES};

/// Type of the aggregates in which the log tells what became of secrets.
const HISTORY: &str = "$secret";
const OPEN: &str = "{{secret:";
const CLOSE: &str = "}}";

/// The secrets of a domain.
pub(super) struct Secrets {
    current: Mutex<Arc<BTreeMap<String, String>>>,
}

impl Secrets {
    /// Reads them.
    pub(super) fn open(db: &PluginDb) -> Result<Self, PluginError> {
        let rows = db.named(Named::Secret).map_err(internal)?.into_iter();
        let secrets = rows.map(|(name, value)| Ok((name, String::from_utf8(value).map_err(|_| unreadable())?)));
        Ok(Self { current: Mutex::new(Arc::new(secrets.collect::<Result<_, PluginError>>()?)) })
    }

    /// A configuration as the guest gets it: with the secrets that it refers to.
    pub(super) fn fill(&self, config: &Map<String, Value>) -> Result<String, String> {
        let secrets = Arc::clone(&lock(&self.current));
        let mut config = Value::Object(config.clone());
        fill(&mut config, &secrets)?;
        Ok(config.to_string())
    }
}

/// Whether a text is a reference to a secret, and nothing else.
pub(super) fn is_reference(text: &str) -> bool {
    text.strip_prefix(OPEN).and_then(|rest| rest.strip_suffix(CLOSE)).is_some_and(is_name)
}

/// Whether a configuration refers to a secret.
pub(super) fn names(config: &Map<String, Value>, name: &str) -> bool {
    fn within(value: &Value, reference: &str) -> bool {
        match value {
            Value::String(text) => text.contains(reference),
            Value::Array(elements) => elements.iter().any(|element| within(element, reference)),
            Value::Object(members) => members.values().any(|member| within(member, reference)),
            _ => false,
        }
    }
    config.values().any(|value| within(value, &format!("{OPEN}{name}{CLOSE}")))
}

fn fill(value: &mut Value, secrets: &BTreeMap<String, String>) -> Result<(), String> {
    match value {
        Value::String(text) if text.contains(OPEN) => *text = filled(text, secrets)?,
        Value::Array(elements) => elements.iter_mut().try_for_each(|element| fill(element, secrets))?,
        Value::Object(members) => members.values_mut().try_for_each(|member| fill(member, secrets))?,
        _ => {}
    }
    Ok(())
}

fn filled(text: &str, secrets: &BTreeMap<String, String>) -> Result<String, String> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, reference)) = rest.split_once(OPEN) {
        let named = reference.split_once(CLOSE).filter(|(name, _)| is_name(name));
        let Some((name, after)) = named else {
            return Err(format!("the configuration has a `{OPEN}` that is no reference: write {OPEN}NAME{CLOSE}"));
        };
        let secret = secrets.get(name).ok_or_else(|| {
            format!("the configuration refers to the secret {name}, which is not set: `dbx plugin secret set {name}`")
        })?;
        out.push_str(before);
        out.push_str(secret);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !name.is_empty() && name.len() <= SECRET_NAME_BYTES && name.bytes().all(plain)
}

impl Registry {
    /// The names of the secrets.
    pub(super) fn secrets(&self) -> Vec<String> {
        lock(&self.services.secrets.current).keys().cloned().collect()
    }

    pub(super) fn set_secret(&self, actor: &str, name: &str, value: &str) -> Result<(), PluginError> {
        let _changing = lock(&self.changing);
        if !is_name(name) {
            return Err(PluginError::invalid(format!(
                "a secret is named by letters, digits, -, _ and ., at most {SECRET_NAME_BYTES} (SECRET_NAME_BYTES)"
            )));
        }
        if value.is_empty() || value.len() > SECRET_BYTES {
            return Err(PluginError::invalid(format!("a secret has 1 to {SECRET_BYTES} bytes (SECRET_BYTES)")));
        }
        let mut secrets = BTreeMap::clone(&lock(&self.services.secrets.current));
        secrets.insert(name.to_owned(), value.to_owned());
        if secrets.len() > DOMAIN_SECRETS {
            return Err(PluginError::invalid(format!(
                "a domain has at most {DOMAIN_SECRETS} secrets (DOMAIN_SECRETS)"
            )));
        }
        self.tell(&history(name)?, "$secret_set", "{}", actor)?;
        self.services.db.save_named(Named::Secret, name, value.as_bytes()).map_err(internal)?;
        *lock(&self.services.secrets.current) = Arc::new(secrets);
        self.renew_secret(name)
    }

    pub(super) fn remove_secret(&self, actor: &str, name: &str) -> Result<(), PluginError> {
        let _changing = lock(&self.changing);
        let mut secrets = BTreeMap::clone(&lock(&self.services.secrets.current));
        secrets.remove(name).ok_or_else(|| PluginError::NotFound { what: "secret", name: name.to_owned() })?;
        let plugins: Vec<_> = lock(&self.plugins).values().cloned().collect();
        let users: Vec<_> = plugins.iter().filter(|installed| names(&installed.record().config, name)).collect();
        if !users.is_empty() {
            let by = users.iter().map(|installed| installed.name.as_str()).collect::<Vec<_>>().join(", ");
            let advice = "change their configuration first (`dbx plugin config NAME --config …`)";
            return Err(PluginError::InUse { what: "the secret", name: name.to_owned(), by, advice });
        }
        self.tell(&history(name)?, "$secret_removed", "{}", actor)?;
        self.services.db.remove_named(Named::Secret, name).map_err(internal)?;
        *lock(&self.services.secrets.current) = Arc::new(secrets);
        Ok(())
    }
}

fn history(name: &str) -> Result<AggregateRef, PluginError> {
    AggregateRef::new(HISTORY, name).map_err(internal)
}

fn unreadable() -> PluginError {
    PluginError::Internal("a secret is no text".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_replaced_wherever_they_stand() {
        let secrets =
            BTreeMap::from([("a".to_owned(), "1\"2".to_owned()), ("b-c".to_owned(), "{{secret:a}}".to_owned())]);
        let mut config = json!({"x": ["Bearer {{secret:a}}, {{secret:b-c}}!"], "y": {"z": "{{other}}"}});
        assert!(names(config.as_object().unwrap(), "a") && !names(config.as_object().unwrap(), "b"));
        fill(&mut config, &secrets).unwrap();
        // What a secret says is never looked at again.
        assert_eq!(config, json!({"x": ["Bearer 1\"2, {{secret:a}}!"], "y": {"z": "{{other}}"}}));
        for bad in ["{{secret:none}}", "{{secret:a", "{{secret:}}", "{{secret:a b}}"] {
            let refused = fill(&mut json!({ "x": bad }), &secrets).unwrap_err();
            assert!(!refused.contains("1\"2"), "{refused}");
        }
    }
}
