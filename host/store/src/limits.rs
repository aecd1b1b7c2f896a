//! Every limit of the log, in one table. An error that reports a broken limit names it as it is named here.

/// Longest aggregate type, aggregate id, event type and actor, in bytes: names stand in every row.
pub const NAME_BYTES: usize = 128;
/// Most plugins and subscriptions that an event names: they stand in its row, and each selector looks through them.
pub const RECIPIENTS: usize = 16;
/// Longest name of a payload mode, in bytes.
pub const MODE_NAME_BYTES: usize = 40;
/// Longest idempotency key, in bytes.
pub const KEY_BYTES: usize = 256;
/// Longest note, in characters.
pub const NOTE_CHARS: usize = 128;
/// Longest payload or JSON Patch, in bytes as sent.
pub const PAYLOAD_BYTES: usize = 256 * 1024;
/// Longest metadata, in bytes as sent.
pub const METADATA_BYTES: usize = 64 * 1024;
/// Longest extensions, in bytes as sent.
pub const EXTENSIONS_BYTES: usize = 64 * 1024;
/// Longest state of an aggregate, in bytes of canonical JSON: it is rewritten with every batch that touches it.
pub const STATE_BYTES: usize = 256 * 1024;
/// Deepest nesting of a JSON value: parsing and folding recurse.
pub const JSON_DEPTH: usize = 64;
/// Most operations of one JSON Patch: each may touch the whole state.
pub const PATCH_OPERATIONS: usize = 1024;
/// Most events of one request, which is one atomic batch.
pub const EVENTS_PER_REQUEST: usize = 1024;
/// Most bytes of payload, metadata and extensions of one request.
pub const REQUEST_BYTES: usize = 8 * 1024 * 1024;
/// Most events that the committer puts into one group, i.e. one sync: bounds memory and the wait of a reader.
pub const EVENTS_PER_GROUP: usize = 4096;
/// Requests that may wait for the committer before new ones are answered *busy*.
pub const QUEUED_REQUESTS: usize = 4096;
/// Most aggregates that may refer to one that is archived: each is looked at, and may get an event in the same batch.
pub const ARCHIVE_REFERRERS: usize = 1000;
/// Rounds in which a request whose aggregate moved on meanwhile is evaluated anew before it is answered *busy*.
pub const RECHECK_ROUNDS: usize = 3;
/// Events of an aggregate after which a snapshot is taken, where neither its schema nor the options say otherwise: folding
/// them takes some 10 ms.
pub const SNAPSHOT_THRESHOLD: u32 = 1000;
/// Most rows in one page of a listing.
pub const PAGE_ROWS: usize = 1000;
/// Most bytes in one page of a listing; a page always has at least one row.
pub const PAGE_BYTES: usize = 4 * 1024 * 1024;
/// Most rows that one page of a filtered listing looks at, so that a request ends: then the page is short, and says that
/// more may follow.
pub const SCAN_ROWS: usize = 200_000;
/// Most rows that are looked at once a page is full, to learn whether another would follow.
pub const LOOK_AHEAD_ROWS: usize = PAGE_ROWS;
/// Bytes of heads and states of recently written aggregates that are kept in memory.
pub const HEAD_CACHE_BYTES: u64 = 32 * 1024 * 1024;
/// Bytes of aggregate keys, expanded and ready to use, that are kept in memory.
pub const KEY_CACHE_BYTES: u64 = 24 * 1024 * 1024;
/// A step of the clock larger than this between two commits is reported, in microseconds.
pub const CLOCK_JUMP_MICROS: u64 = 60 * 1_000_000;
/// Default size of the log's block cache, in bytes.
pub const BLOCK_CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// Findings that `verify` lists before it only counts.
pub const VERIFY_FINDINGS: usize = 100;
/// Longest schema document, in bytes as sent: it is an event's payload, and it is held, compiled, in memory.
pub const SCHEMA_BYTES: usize = PAYLOAD_BYTES;
/// Most columns of a schema, those of nested objects included: each costs memory and time for as long as the schema lives.
pub const SCHEMA_FIELDS: usize = 512;
/// Deepest nesting of objects with columns of their own: checking recurses.
pub const SCHEMA_DEPTH: usize = 16;
/// Most event types that a schema lists.
pub const SCHEMA_EVENTS: usize = 1024;
/// Most values of an `enum`: they are compared one after the other.
pub const SCHEMA_ENUM_VALUES: usize = 256;
/// Longest regular expression, in bytes of its text.
pub const SCHEMA_REGEX_BYTES: usize = 1024;
/// Most memory of one compiled regular expression, in bytes: a few characters such as `\w{999}` can ask for any amount.
/// `^\w{3,64}$` needs 3 MiB, since the letters of all scripts are many.
pub const SCHEMA_REGEX_MEMORY: usize = 4 * 1024 * 1024;
/// Most regular expressions of a schema: each may need as much memory as one is allowed.
pub const SCHEMA_REGEXES: usize = 64;
/// Most `upcasts` of a schema: an old event runs through all that came after it.
pub const SCHEMA_UPCASTS: usize = 256;
/// Most events of one request on one aggregate with required members whose state nobody reads beforehand: the committer
/// looks through all of them.
pub const MERGE_LAYERS: usize = 16;
/// Most rules of extensions that a schema uses: each is asked about each event.
pub const SCHEMA_RULES: usize = 16;
/// Most bytes of values, payloads and states that extensions are asked about in one request.
pub const EXTENSION_BYTES: usize = REQUEST_BYTES;
/// Most characters of what an extension says about a value or an event.
pub const EXTENSION_MESSAGE_CHARS: usize = 300;
/// Most versions of a schema: all of them are held in memory, ready for checking.
pub const SCHEMA_VERSIONS: u32 = 1000;
/// Violations that a check lists before it stops listing: a payload of nothing but mistakes must not grow its own answer.
pub const VIOLATIONS: usize = 256;
/// Most characters of a value that a violation repeats.
pub const VIOLATION_CHARS: usize = 60;
/// Most names in the event lists of an inferred schema, and most event types that are told apart while it is inferred.
pub const INFERRED_NAMES: usize = 4096;
/// Longest filter expression, sort order or path, in bytes: it comes from a client and is parsed before anything else.
pub const FILTER_BYTES: usize = 4096;
/// Deepest nesting of parentheses and NOTs in a filter expression: parsing and evaluation recurse.
pub const FILTER_DEPTH: usize = 32;
/// Most tests and listed literals of a filter expression: each may be evaluated for each row.
pub const FILTER_NODES: usize = 256;
/// Most characters between two `%` of a LIKE pattern, where one of them is `_`: they are searched for with a bit each in
/// one machine word, which is what keeps the search linear.
pub const LIKE_STRETCH: usize = 64;
/// Most paths of a sort order: each makes the key of every row longer.
pub const SORT_PATHS: usize = 8;
