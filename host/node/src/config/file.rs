//! Reading, showing and changing the file.

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use toml_edit::{DocumentMut, Item, Table, Value};

use super::{Config, KEYS, keys};
use crate::private_file;

/// `config.toml` as it is, whether it exists or not, together with what it means.
#[derive(Debug)]
pub struct ConfigFile {
    path: PathBuf,
    document: DocumentMut,
    config: Config,
}

/// Why the configuration cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The disk says no.
    #[error("{}: {source}", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not TOML, or a value is of the wrong kind.
    #[error("{}: {message}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What and where.
        message: String,
    },
    /// A key that does not exist.
    #[error("{}: unknown key `{key}`; {}", path.display(), known(near))]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// Keys that may have been meant.
        near: Vec<&'static str>,
    },
    /// A number out of its bounds.
    #[error("{}: `{key}` is {value}: it must be from {least} to {most}", path.display())]
    OutOfRange {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// What it is.
        value: i64,
        /// Lower bound.
        least: i64,
        /// Upper bound.
        most: i64,
    },
}

fn known(near: &[&str]) -> String {
    format!("known: {}", near.join(", "))
}

impl ConfigFile {
    /// Name of the file in the data directory.
    pub const NAME: &str = "config.toml";

    /// Reads the file of a data directory. A missing file means defaults.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or says something that it may not.
    pub fn load(data_dir: &Path) -> Result<Self, ConfigError> {
        let path = data_dir.join(Self::NAME);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(ConfigError::Disk { path, source }),
        };
        Self::parse(path, &text)
    }

    /// Reads `text` as the contents of `path`.
    fn parse(path: PathBuf, text: &str) -> Result<Self, ConfigError> {
        let malformed = |message: String| ConfigError::Malformed { path: path.clone(), message };
        let document: DocumentMut = text.parse().map_err(|e: toml_edit::TomlError| malformed(e.to_string()))?;
        check_keys(&path, document.as_table())?;
        let config = toml::from_str(text).map_err(|e| malformed(e.to_string()))?;
        Ok(Self { path, document, config })
    }

    /// What is in force.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where the file is or would be.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The value of a key that is in force, as TOML; none: the key has no value.
    ///
    /// # Errors
    ///
    /// When there is no such key.
    pub fn get(&self, name: &str) -> Result<Option<String>, ConfigError> {
        self.known(name)?;
        Ok(self.effective(name).map(|value| value.to_string()))
    }

    /// Sets a key and writes the file; comments and everything else in it stay as they are. `value` is TOML, or plain
    /// text where text is meant.
    ///
    /// # Errors
    ///
    /// When there is no such key, the value is not one for it, or the file cannot be written. Then nothing changed.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), ConfigError> {
        self.known(name)?;
        let (section, leaf) = keys::split(name);
        let value: Value = value.parse().unwrap_or_else(|_| Value::from(value));
        let mut document = self.document.clone();
        let table = document.entry(section).or_insert_with(|| Item::Table(Table::new()));
        let table = table.as_table_like_mut().ok_or_else(|| ConfigError::Malformed {
            path: self.path.clone(),
            message: format!("`{section}` must be a section"),
        })?;
        match table.get_mut(leaf).and_then(Item::as_value_mut) {
            Some(old) => {
                let decor = old.decor().clone();
                *old = value;
                *old.decor_mut() = decor;
            }
            None => drop(table.insert(leaf, Item::Value(value))),
        }
        let changed = Self::parse(self.path.clone(), &document.to_string())?;
        private_file::replace(&self.path, changed.document.to_string().as_bytes())
            .map_err(|source| ConfigError::Disk { path: self.path.clone(), source })?;
        *self = changed;
        Ok(())
    }

    /// Everything that is in force, as TOML, each key with its meaning and a remark where it is the default.
    #[must_use]
    pub fn show(&self) -> String {
        let mut text = format!("# {}\n", self.path.display());
        let mut last = "";
        for key in KEYS {
            let (section, leaf) = keys::split(key.name);
            if section != last {
                let _ = writeln!(text, "\n[{section}]");
                last = section;
            }
            let _ = writeln!(text, "# {}", key.doc);
            let _ = match self.effective(key.name) {
                Some(value) if self.is_set(key.name) => writeln!(text, "{leaf} = {value}"),
                Some(value) => writeln!(text, "{leaf} = {value} # default"),
                None => writeln!(text, "# {leaf} is not set"),
            };
        }
        text
    }

    fn known(&self, name: &str) -> Result<(), ConfigError> {
        match keys::find(name) {
            Some(_) => Ok(()),
            None => Err(unknown(&self.path, name)),
        }
    }

    fn effective(&self, name: &str) -> Option<toml::Value> {
        let (section, leaf) = keys::split(name);
        let table = toml::Table::try_from(&self.config).ok()?;
        table.get(section)?.get(leaf).cloned()
    }

    fn is_set(&self, name: &str) -> bool {
        let (section, leaf) = keys::split(name);
        self.document.get(section).and_then(|table| table.get(leaf)).is_some()
    }
}

/// Every key of the file exists, and every number is within its bounds.
fn check_keys(path: &Path, document: &Table) -> Result<(), ConfigError> {
    for (section, item) in document {
        let Some(table) = item.as_table_like() else { return Err(unknown(path, section)) };
        if !KEYS.iter().any(|key| keys::split(key.name).0 == section) {
            return Err(unknown(path, section));
        }
        for (leaf, item) in table.iter() {
            let name = format!("{section}.{leaf}");
            let key = keys::find(&name).ok_or_else(|| unknown(path, &name))?;
            if let (Some(range), Some(value)) = (&key.range, item.as_integer())
                && !range.contains(&value)
            {
                let (least, most) = (*range.start(), *range.end());
                return Err(ConfigError::OutOfRange { path: path.to_owned(), key: key.name, value, least, most });
            }
        }
    }
    Ok(())
}

fn unknown(path: &Path, key: &str) -> ConfigError {
    ConfigError::UnknownKey { path: path.to_owned(), key: key.to_owned(), near: keys::near(key) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> (tempfile::TempDir, Result<ConfigFile, ConfigError>) {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(ConfigFile::NAME), text).unwrap();
        let file = ConfigFile::load(dir.path());
        (dir, file)
    }

    #[test]
    fn no_file_means_defaults() {
        let dir = tempfile::tempdir().unwrap();
        let file = ConfigFile::load(dir.path()).unwrap();
        assert_eq!(file.config(), &Config::default());
        assert!(file.show().contains("durability = \"sync\" # default"), "{}", file.show());
        assert!(file.show().contains("# master_key_file is not set"));
        assert!(!file.path().exists());
    }

    #[test]
    fn an_unknown_key_names_the_file_and_what_was_meant() {
        for (text, key, near) in [
            ("[log]\ndurabilty = \"os\"\n", "log.durabilty", "log.durability"),
            ("[logs]\ndurability = \"os\"\n", "logs", "log.durability"),
            ("durability = \"os\"\n", "durability", "log.durability"),
        ] {
            let (dir, file) = load(text);
            let message = file.unwrap_err().to_string();
            assert!(message.contains(&dir.path().join("config.toml").display().to_string()), "{message}");
            assert!(message.contains(&format!("`{key}`")) && message.contains(near), "{message}");
        }
    }

    #[test]
    fn wrong_values_are_refused() {
        for (text, part) in [
            ("[log]\ndurability = \"never\"\n", "durability"),
            ("[log]\nblock_cache_mib = \"much\"\n", "block_cache_mib"),
            ("[plugins]\nqueries = 0\n", "from 1 to 1024"),
            ("[log\n", "config.toml"),
        ] {
            let message = load(text).1.unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn setting_a_key_keeps_the_rest_of_the_file() {
        let (dir, file) = load("# mine\n[log]\nblock_cache_mib = 8 # small box\n");
        let mut file = file.unwrap();
        file.set("log.durability", "os").unwrap();
        file.set("log.block_cache_mib", "16").unwrap();
        file.set("plugins.batch_items", "64").unwrap();
        let text = fs::read_to_string(dir.path().join("config.toml")).unwrap();
        assert!(text.starts_with("# mine\n[log]\nblock_cache_mib = 16 # small box\n"), "{text}");
        let again = ConfigFile::load(dir.path()).unwrap();
        assert_eq!(again.get("log.durability").unwrap().as_deref(), Some("\"os\""));
        assert_eq!(again.config().plugins.batch_items, 64);
        assert_eq!(again.get("keys.master_key_file").unwrap(), None);
    }

    #[test]
    fn a_value_that_is_refused_changes_nothing() {
        let before = "[log]\ndurability = \"os\"\n";
        let (dir, file) = load(before);
        let mut file = file.unwrap();
        for (key, value) in [("log.durability", "maybe"), ("log.nothing", "1"), ("daemon.body_mib", "0")] {
            assert!(file.set(key, value).is_err(), "{key}");
        }
        assert_eq!(fs::read_to_string(dir.path().join("config.toml")).unwrap(), before);
        assert_eq!(file.get("log.durability").unwrap().as_deref(), Some("\"os\""));
    }
}
