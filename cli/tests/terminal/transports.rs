//! Transports against the real servers: what arrives there, and what happens when a server dies in the middle.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::{Value, json};

use crate::scratch::{Scratch, repository};

/// The machine may be busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// A process of ours; it ends with the test.
struct Server(Child);

impl Server {
    fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Asks again and again until there is an answer.
#[track_caller]
fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what} did not come in time");
        thread::yield_now();
    }
}

fn install(scratch: &Scratch, example: &str, arguments: &[&str]) -> Value {
    let component = eventdbx_plugin_build::example(example).unwrap();
    let mut install = vec!["plugin".into(), "install".into(), component.into_os_string()];
    install.extend(arguments.iter().map(Into::into));
    scratch.json(&install)
}

/// Waits until a plugin has sent all that there is; answers how it stands.
fn sent(scratch: &Scratch, plugin: &str) -> Value {
    until("the end of the log", || {
        let status = scratch.json(["plugin", "status", plugin]);
        assert_ne!(status["state"], "stopped", "{status}");
        (status["cursor"] == status["head"]).then_some(status)
    })
}

/// The events of a day of flights, in two halves: files for `dbx import`.
fn halves(scratch: &Scratch) -> [std::path::PathBuf; 2] {
    let packed = std::fs::File::open(repository().join("tests/data/flights-2013-01-01.ndjson.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let (first, second) = lines.split_at(lines.len() / 2);
    [scratch.file("first.ndjson", first.join("\n")), scratch.file("second.ndjson", second.join("\n"))]
}

fn import(scratch: &Scratch, file: &std::path::Path) {
    scratch.dbx(["import".as_ref(), file.as_os_str()]).ok();
}

/// What arrived is all that was written, and in each aggregate the versions came in their order: a repetition may follow
/// what it repeats, but nothing comes before what it follows.
#[track_caller]
fn nothing_lost_nothing_out_of_order(arrived: &[Value], events: usize) {
    let mut versions = BTreeMap::<String, u64>::new();
    let mut first_times = 0;
    for event in arrived {
        let aggregate = format!("{}/{}", event["aggregate_type"], event["aggregate_id"]);
        let (last, version) = (versions.entry(aggregate).or_default(), event["version"].as_u64().unwrap());
        assert!(version <= *last + 1, "{event} came after version {last}");
        if version == *last + 1 {
            *last = version;
            first_times += 1;
        }
    }
    assert_eq!(first_times, events, "of {} that arrived", arrived.len());
}

struct Redis {
    server: Server,
    port: u16,
    dir: tempfile::TempDir,
    /// Further arguments of the client.
    client: Vec<String>,
}

impl Redis {
    fn start() -> Self {
        let (port, dir) = (free_port(), tempfile::tempdir().unwrap());
        let server = Self::process(&["--port", &port.to_string()], dir.path());
        let redis = Self { server, port, dir, client: Vec::new() };
        redis.answers();
        redis
    }

    /// One that speaks nothing but TLS; and the authority that signed its certificate, as a file.
    fn start_with_tls() -> (Self, PathBuf) {
        let (port, dir) = (free_port(), tempfile::tempdir().unwrap());
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "an authority");
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        let file = |name: &str, pem: String| {
            let path = dir.path().join(name);
            std::fs::write(&path, pem).unwrap();
            path
        };
        let (ca, cert) = (file("ca.pem", authority.pem()), file("cert.pem", certificate.pem()));
        let key = file("key.pem", key.serialize_pem());
        let [ca_text, cert, key] = [&ca, &cert, &key].map(|path| path.to_str().unwrap());
        let tls_port = port.to_string();
        let listen = ["--port", "0", "--tls-port", &tls_port, "--tls-auth-clients", "no"];
        let files = ["--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", ca_text];
        let server = Self::process(&[&listen[..], &files].concat(), dir.path());
        let client = ["--tls", "--cacert", ca_text].map(str::to_owned).to_vec();
        let redis = Self { server, port, dir, client };
        redis.answers();
        (redis, ca)
    }

    fn process(listen: &[&str], dir: &std::path::Path) -> Server {
        let program = eventdbx_plugin_build::program("redis-server", "redis-server").unwrap();
        let mut command = Command::new(program);
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--appendfsync", "always"]);
        Server::start(command.args(listen).arg("--dir").arg(dir))
    }

    fn restart(&mut self) {
        self.server = Self::process(&["--port", &self.port.to_string()], self.dir.path());
        self.answers();
    }

    fn answers(&self) {
        until("Redis", || (self.cli(&["PING"]).trim() == "PONG").then_some(()));
    }

    fn cli(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(eventdbx_plugin_build::program("redis-cli", "redis-tools").unwrap());
        let output =
            command.args(["--raw", "-p", &self.port.to_string()]).args(&self.client).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// The JSON values in a stream.
    fn stream(&self, name: &str) -> Vec<Value> {
        let entries = self.cli(&["XRANGE", name, "-", "+"]);
        entries.lines().filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[test]
fn redis_dies_in_the_middle_and_nothing_is_lost_or_out_of_order() {
    let (scratch, mut redis) = (Scratch::started(), Redis::start());
    let [first, second] = halves(&scratch);
    let grant = format!("tcp=redis=127.0.0.1:{},private", redis.port);
    let status = install(&scratch, "redis-stream", &["--grant", &grant]);
    assert_eq!((&status["kind"], &status["targets"][0]["name"]), (&json!("transport"), &json!("redis")));

    import(&scratch, &first);
    until("the first events", || (redis.cli(&["XLEN", "events"]).trim().parse::<u64>().ok()? > 100).then_some(()));
    redis.server.kill();
    // Appends do not notice.
    import(&scratch, &second);
    let waiting = until("a retry", || {
        let status = scratch.json(["plugin", "status", "redis-stream"]);
        (status["retries"].as_u64()? > 0).then_some(status)
    });
    assert_eq!(waiting["parked"], 0);
    redis.restart();
    let status = sent(&scratch, "redis-stream");
    assert_eq!((&status["parked"], &status["targets"][0]["circuit"]), (&json!(0), &json!("closed")));
    nothing_lost_nothing_out_of_order(&redis.stream("events"), 2515);
}

#[test]
fn a_transport_is_swapped_while_it_sends_and_nothing_is_lost_or_sent_twice() {
    let (scratch, redis) = (Scratch::started(), Redis::start());
    let grant = format!("tcp=redis=127.0.0.1:{},private", redis.port);
    install(&scratch, "redis-stream", &["--grant", &grant]);
    // Another component with the same code: a section is added that says nothing.
    let mut other = std::fs::read(eventdbx_plugin_build::example("redis-stream").unwrap()).unwrap();
    other.extend([0, 6, 5, b'o', b't', b'h', b'e', b'r']);
    let other = scratch.file("other.wasm", other);
    let there = || redis.cli(&["XLEN", "events"]).trim().parse::<usize>().unwrap();
    let [first, second] = halves(&scratch);
    let swapped_at = thread::scope(|scope| {
        let importing = scope.spawn(|| [first, second].iter().for_each(|file| import(&scratch, file)));
        let mut swapped_at = Vec::new();
        while !importing.is_finished() || there() < 2515 {
            swapped_at.push(there());
            let upgrade = ["plugin".as_ref(), "upgrade".as_ref(), "redis-stream".as_ref(), other.as_os_str()];
            scratch.dbx(upgrade).ok();
            scratch.dbx(["plugin", "rollback", "redis-stream"]).ok();
        }
        swapped_at
    });
    let status = sent(&scratch, "redis-stream");
    assert_eq!((&status["parked"], &status["traps"]), (&json!(0), &json!(0)));
    assert!(swapped_at.iter().any(|there| (1..2515).contains(there)), "swapped at {swapped_at:?}");
    let arrived = redis.stream("events");
    nothing_lost_nothing_out_of_order(&arrived, 2515);
    assert_eq!(arrived.len(), 2515, "a swap repeats nothing");
}

#[test]
fn redis_over_tls_shows_a_certificate_of_the_authority_that_was_granted() {
    let (scratch, (redis, ca)) = (Scratch::started(), Redis::start_with_tls());
    let grant = format!("tls=redis=127.0.0.1:{},private", redis.port);
    let component = eventdbx_plugin_build::example("redis-stream").unwrap();
    let file = component.to_str().unwrap();
    let named = ["plugin", "install", file, "--grant", &grant, "--name"];
    scratch.dbx([&named[..], &["wary"]].concat()).ok();
    let own = format!("redis={}", ca.display());
    scratch.dbx([&named[..], &["redis-stream", "--ca", &own]].concat()).ok();
    scratch.dbx(["aggregate", "apply", "order", "1", "placed"]).ok();
    until("the event", || (redis.stream("events").len() == 1).then_some(()));
    let status = until("the refusal", || {
        let status = scratch.json(["plugin", "status", "wary"]);
        status["targets"][0]["last_error"].is_string().then_some(status)
    });
    assert!(status["targets"][0]["last_error"].as_str().unwrap().contains("certificate"), "{status}");
    assert_eq!(redis.stream("events").len(), 1, "what does not trust it sends nothing");
    let shown = scratch.dbx(["plugin", "status", "redis-stream"]).ok().stdout;
    assert!(shown.contains("authorities of its own"), "{shown}");
    for (own, says) in [("other=ca.pem", "not granted"), ("redis", "TARGET=FILE")] {
        scratch.dbx([&named[..], &["x", "--ca", own]].concat()).code(2).says(says);
    }
    let key = ca.with_file_name("key.pem");
    scratch
        .dbx([&named[..], &["x", "--ca", &format!("redis={}", key.display())]].concat())
        .code(3)
        .says("no certificate");
}

#[test]
fn changes_reach_redis_with_before_and_after() {
    let (scratch, redis) = (Scratch::started(), Redis::start());
    install(&scratch, "cdc", &["--grant", &format!("tcp=redis=127.0.0.1:{},private", redis.port)]);
    for (event, field) in [("order_made", "n=1"), ("order_changed", "n=2")] {
        scratch.dbx(["aggregate", "apply", "order", "1", event, "--field", field]).ok();
    }
    sent(&scratch, "cdc");
    let changes = redis.stream("cdc.order");
    assert_eq!(changes.len(), 2, "{changes:?}");
    assert_eq!((&changes[0]["op"], &changes[0]["after"]), (&json!("c"), &json!({"n": 1})));
    assert_eq!((&changes[1]["op"], &changes[1]["after"]), (&json!("u"), &json!({"n": 2})));
}

/// A connection to NATS, as much as this test says on it.
struct Nats(BufReader<TcpStream>);

impl Nats {
    fn connect(port: u16) -> Option<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let mut nats = Self(BufReader::new(stream));
        nats.say("CONNECT {\"verbose\":false,\"headers\":true}\r\nSUB answers 1\r\nPING\r\n");
        nats.line("PONG")?;
        Some(nats)
    }

    fn say(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn line(&mut self, start: &str) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line.starts_with(start) {
                return Some(line);
            }
        }
    }

    fn ask(&mut self, subject: &str, body: &str) -> Value {
        self.say(&format!("PUB {subject} answers {}\r\n{body}\r\n", body.len()));
        self.line("MSG answers").unwrap();
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

#[test]
fn jetstream_drops_what_was_sent_twice() {
    let (scratch, port, dir) = (Scratch::started(), free_port(), tempfile::tempdir().unwrap());
    let mut command = Command::new(eventdbx_plugin_build::program("nats-server", "nats-server").unwrap());
    command.args(["-a", "127.0.0.1", "-p", &port.to_string(), "-js", "-sd"]).arg(dir.path());
    let _server = Server::start(&mut command);
    let mut nats = until("NATS", || Nats::connect(port));
    let made = nats.ask("$JS.API.STREAM.CREATE.ALL", r#"{"name":"ALL","subjects":["events.>"]}"#);
    assert!(made["error"].is_null(), "{made}");

    let grant = format!("tcp=nats=127.0.0.1:{port},private");
    install(&scratch, "nats-publish", &["--grant", &grant, "--config", r#"{"acknowledged":true}"#]);
    for n in 0..20 {
        scratch
            .dbx(["aggregate", "apply", "order", &format!("{}", n % 3), "order_changed", "--field", &format!("n={n}")])
            .ok();
    }
    let before = sent(&scratch, "nats-publish");
    assert_eq!(before["deliveries"], 20);
    let stored = |nats: &mut Nats| nats.ask("$JS.API.STREAM.INFO.ALL", "")["state"]["messages"].clone();
    assert_eq!(stored(&mut nats), 20);
    // Everything is sent again, and dropped by its key.
    scratch.dbx(["plugin", "replay", "nats-publish"]).code(3).says("say so with a stretch");
    let job = scratch.json(["plugin", "replay", "nats-publish", "--from", "1"]);
    assert_eq!((&job["state"], &job["deliveries"]), (&serde_json::json!("done"), &serde_json::json!(20)), "{job}");
    assert_eq!(sent(&scratch, "nats-publish")["generation"], before["generation"], "its own cursor stays where it is");
    assert_eq!(stored(&mut nats), 20);
}

/// Reads one request and answers it; none: the peer has closed.
fn serve(stream: &mut BufReader<TcpStream>, status: &str) -> Option<(String, Value)> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    stream.get_mut().write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes()).unwrap();
    Some((head, serde_json::from_slice(&body).unwrap()))
}

#[test]
fn a_webhook_gets_each_event_with_the_secret_that_nobody_else_sees() {
    let scratch = Scratch::started();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http=hook=http://{}/base,private", listener.local_addr().unwrap());
    let (requests, arrived) = std::sync::mpsc::channel();
    thread::spawn(move || {
        // The second request is not taken, so that it comes again.
        let mut statuses = ["200 OK", "503 Busy"].into_iter();
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            while let Some(request) = serve(&mut stream, statuses.next().unwrap_or("204 No Content")) {
                if requests.send(request).is_err() {
                    return;
                }
            }
        }
    });
    let token = scratch.file("token", "Bearer s3cret\n");
    let secret = format!("hook:authorization=@{}", token.display());
    let config = r#"{"path":"/in","key":"0123456789abcdef"}"#;
    install(&scratch, "webhook", &["--grant", &url, "--secret-header", &secret, "--config", config]);
    for n in 0..3 {
        scratch.dbx(["aggregate", "apply", "order", "1", "order_changed", "--field", &format!("n={n}")]).ok();
    }
    let status = sent(&scratch, "webhook");
    let arrived: Vec<(String, Value)> = arrived.try_iter().collect();
    let versions: Vec<_> = arrived.iter().map(|(_, event)| event["version"].as_u64().unwrap()).collect();
    assert_eq!(versions, [1, 2, 2, 3]);
    for (head, event) in &arrived {
        let head = head.to_ascii_lowercase();
        assert!(head.starts_with("post /base/in http/1.1") && head.contains("authorization: bearer s3cret"), "{head}");
        assert!(head.contains("x-eventdbx-signature: sha256="), "{head}");
        assert!(head.contains(&format!("idempotency-key: {}", event["event_id"].as_str().unwrap())), "{head}");
    }
    assert_eq!(status["retries"], 1);
    let shown = scratch.dbx(["plugin", "status", "webhook"]).ok().stdout;
    assert!(shown.contains("authorization put in") && shown.contains("circuit closed"), "{shown}");
    let told = scratch.json(["events", "--system"]).to_string();
    for text in [&shown, &told, &status.to_string(), &scratch.dbx(["plugin", "logs", "webhook"]).ok().stdout] {
        assert!(!text.contains("s3cret") && !text.contains("0123456789abcdef"), "{text}");
    }
}

#[test]
fn lines_are_taken_up_again_where_their_reader_left_them() {
    let scratch = Scratch::started();
    let [first, _] = halves(&scratch);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let grant = format!("tcp=lines={},private", listener.local_addr().unwrap());
    let reader = thread::spawn(move || {
        let mut arrived = Vec::new();
        // Each reader takes some lines, and the last of them without an answer; then it is gone.
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            for taken in 1.. {
                let mut line = String::new();
                if stream.read_line(&mut line).unwrap_or(0) == 0 {
                    break;
                }
                let event: Value = serde_json::from_str(&line).unwrap();
                let last = event["event_type"] == "the_end";
                arrived.push(event);
                if taken == 300 {
                    break;
                }
                stream.get_mut().write_all(b"ok\n").unwrap();
                if last {
                    return arrived;
                }
            }
        }
        arrived
    });
    install(&scratch, "ndjson-tcp", &["--grant", &grant, "--config", r#"{"acknowledged":true}"#]);
    import(&scratch, &first);
    scratch.dbx(["aggregate", "apply", "end", "1", "the_end"]).ok();
    let arrived = reader.join().unwrap();
    sent(&scratch, "ndjson-tcp");
    assert!(arrived.len() > 1258, "some came twice");
    nothing_lost_nothing_out_of_order(&arrived, 1258);
}

#[test]
fn what_is_not_granted_is_not_reached() {
    let scratch = Scratch::started();
    let component = eventdbx_plugin_build::example("webhook").unwrap();
    let install = |arguments: &[&str]| {
        let mut all = vec!["plugin".into(), "install".into(), component.clone().into_os_string()];
        all.extend(arguments.iter().map(Into::into));
        scratch.dbx(&all)
    };
    install(&[]).code(3).says("--grant");
    install(&["--grant", "http=hook"]).code(2).says("http=NAME=");
    install(&["--grant", "http=hook=https://u:s3cret@example.org/"]).code(3).says("a name or a password");
    install(&["--grant", "http=hook=https://example.org", "--secret-header", "hook:authorization=s3cret"]).code(2);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let grant = format!("http=hook=http://{}", listener.local_addr().unwrap());
    install(&["--grant", &grant]).ok();
    scratch.dbx(["aggregate", "apply", "order", "1", "order_made"]).ok();
    let status = until("the plugin to stop", || {
        let status = scratch.json(["plugin", "status", "webhook"]);
        (status["state"] == "stopped").then_some(status)
    });
    assert!(status["reason"].as_str().unwrap().contains("private"), "{status}");
    let counter = eventdbx_plugin_build::example("event-counter").unwrap();
    let mut all = vec!["plugin".into(), "install".into(), counter.into_os_string()];
    all.extend(["--grant", "http=hook=https://example.org"].map(Into::into));
    scratch.dbx(&all).code(3).says("reaches nothing outside");
}
