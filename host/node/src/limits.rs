//! Every limit of what an operator says of plugins, in one table. They are fixed; what breaks one is refused with its name. Those
//! that can be set are in the configuration.

/// Most targets of one plugin.
pub const TARGETS: usize = 64;
/// Most bytes of the certificates of authorities that a target may come with.
pub const TARGET_CA_BYTES: usize = 64 << 10;
/// Longest pattern, in bytes: names themselves are no longer than 128.
pub const GLOB_BYTES: usize = 256;
/// Most JSON Pointers in one list.
pub const FIELD_POINTERS: usize = 256;
/// Most payload modes that are made in a domain.
pub const DOMAIN_MODES: usize = 256;
/// Most bytes in the name of a payload mode.
pub const MODE_NAME_BYTES: usize = 40;
/// Most bytes of the JSON Schema of a configuration.
pub const CONFIG_SCHEMA_BYTES: usize = 256 * 1024;
/// Most places of a JSON Schema of a configuration, counted as often as references lead to them.
pub const CONFIG_SCHEMA_PLACES: u64 = 20_000;
/// Most patterns of a JSON Schema of a configuration.
pub const CONFIG_SCHEMA_PATTERNS: usize = 64;
/// Most bytes of a configuration, with its secrets put in.
pub const CONFIG_BYTES: usize = 256 * 1024;
/// Most places of a schema times values of a configuration.
pub const CONFIG_CHECKS: u64 = 1_000_000;
/// Most secrets of a domain.
pub const DOMAIN_SECRETS: usize = 256;
/// Most bytes of a secret.
pub const SECRET_BYTES: usize = 64 << 10;
/// Most bytes in the name of a secret.
pub const SECRET_NAME_BYTES: usize = 64;
/// Most keys that a domain trusts.
pub const TRUSTED_KEYS: usize = 64;
/// Versions that a plugin can go back to. Each may hold tables of its own.
pub const KEPT_VERSIONS: usize = 3;
/// Most components in a drop-in folder.
pub const DROP_IN_FILES: usize = 256;
/// Most bytes of rows of tables in a failure capsule.
pub const CAPSULE_BYTES: usize = 16 << 20;
