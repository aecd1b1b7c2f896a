//! Real sockets on this machine: what is granted, what is sent, what is refused.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    thread::{self, JoinHandle},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

use super::*;

const TIMEOUT: Duration = Duration::from_secs(20);

fn link(url: &str, private: bool, headers: &[(&str, &str)]) -> Link {
    let headers: BTreeMap<_, _> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    granted(&serde_json::json!({ "url": url, "private": private, "headers": headers }))
}

fn granted(grant: &serde_json::Value) -> Link {
    let grants = [("there".to_owned(), serde_json::from_value(grant.clone()).unwrap())].into();
    Link(Arc::new(Targets::new(&grants).unwrap()))
}

fn post(path: &str, headers: &[(&str, &str)]) -> HttpRequest {
    HttpRequest {
        target: "there".to_owned(),
        method: "POST".to_owned(),
        path: path.to_owned(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: b"{\"n\":1}".to_vec(),
    }
}

fn exchange(link: &mut Link, request: HttpRequest) -> Result<HttpResponse, OutboundError> {
    link.http(request, &Exchange { timeout: TIMEOUT, response_bytes: 100 })
}

/// Answers one request with `answer`; hands over the request as it came.
fn serve(listener: TcpListener, answer: &'static str) -> JoinHandle<String> {
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let (mut reader, mut text, mut length) = (BufReader::new(&stream), String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let lower = line.to_ascii_lowercase();
            length = lower.strip_prefix("content-length:").map_or(length, |value| value.trim().parse().unwrap());
            text.push_str(&line);
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        text.push_str(&String::from_utf8(body).unwrap());
        (&stream).write_all(answer.as_bytes()).unwrap();
        text
    })
}

fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[test]
fn a_request_goes_out_with_the_secret_and_its_answer_comes_back() {
    let (listener, port) = listener();
    let served = serve(listener, "HTTP/1.1 201 Created\r\nx-seen: yes\r\ncontent-length: 2\r\n\r\nok");
    let mut link = link(&format!("http://127.0.0.1:{port}/base/"), true, &[("authorization", "Bearer s3cret")]);
    let answer = exchange(&mut link, post("/hook?a=b", &[("x-id", "7")])).unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (201, &b"ok"[..]));
    assert!(answer.headers.contains(&("x-seen".to_owned(), "yes".to_owned())));
    let seen = served.join().unwrap();
    assert!(seen.starts_with("POST /base/hook?a=b HTTP/1.1\r\n") && seen.ends_with("\r\n\r\n{\"n\":1}"), "{seen}");
    let figures = link.0.status(Instant::now()).remove(0).figures;
    assert_eq!((figures.ok, figures.failed, figures.not_asked), (1, 0, 0));
    assert!(seen.contains("authorization: Bearer s3cret\r\n") && seen.contains("x-id: 7\r\n"), "{seen}");
    let status = serde_json::to_string(&link.0.status(Instant::now())).unwrap();
    assert!(status.contains("authorization") && !status.contains("s3cret"), "{status}");
}

#[test]
fn a_redirect_is_an_answer_and_is_not_followed() {
    let (listener, port) = listener();
    let served = serve(listener, "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n");
    let answer = exchange(&mut link(&format!("http://127.0.0.1:{port}"), true, &[]), post("/", &[])).unwrap();
    assert_eq!(answer.status, 302);
    served.join().unwrap();
}

#[test]
fn an_answer_that_is_too_large_names_its_limit() {
    let (listener, port) = listener();
    let body = "x".repeat(101);
    let answer = Box::leak(format!("HTTP/1.1 200 OK\r\ncontent-length: 101\r\n\r\n{body}").into_boxed_str());
    let served = serve(listener, answer);
    let refused = exchange(&mut link(&format!("http://127.0.0.1:{port}"), true, &[]), post("/", &[]));
    assert!(
        matches!(&refused, Err(OutboundError::TooLarge(why)) if why.contains("outbound_receive_bytes")),
        "{refused:?}"
    );
    served.join().unwrap();
}

#[test]
fn an_address_of_this_machine_takes_a_grant_that_says_so() {
    let (_listener, port) = listener();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        let refused = exchange(&mut link(&format!("http://{host}:{port}"), false, &[]), post("/", &[]));
        assert!(matches!(&refused, Err(OutboundError::Denied(why)) if why.contains("private")), "{host}: {refused:?}");
        let refused = link(&format!("tcp://{host}:{port}"), false, &[]).connect("there", TIMEOUT).err();
        assert!(matches!(&refused, Some(OutboundError::Denied(why)) if why.contains("private")), "{host}: {refused:?}");
    }
}

#[test]
fn what_is_not_granted_or_not_in_order_is_denied_and_does_not_open_the_circuit() {
    let mut link = link("https://example.invalid/base", false, &[("authorization", "s3cret")]);
    let denied = |answer: Result<HttpResponse, OutboundError>| match answer {
        Err(OutboundError::Denied(why)) => assert!(!why.contains("s3cret"), "{why}"),
        other => panic!("{other:?}"),
    };
    denied(exchange(&mut link, HttpRequest { target: "elsewhere".to_owned(), ..post("/", &[]) }));
    for path in ["", "x", "//../x", "/a/../b", "/%2e%2E/b", "/a%2f..%2fb", "/a#b", "/a b", "/..\\b"] {
        denied(exchange(&mut link, post(path, &[])));
    }
    for header in ["Host", "Authorization", "content-length", "transfer-encoding", "a b"] {
        denied(exchange(&mut link, post("/", &[(header, "x")])));
    }
    denied(exchange(&mut link, HttpRequest { method: "CONNECT".to_owned(), ..post("/", &[]) }));
    denied(exchange(&mut link, post("/", &[("x-id", "a\r\nb: c")])));
    assert!(matches!(link.connect("there", TIMEOUT), Err(OutboundError::Denied(_))));
    assert_eq!(link.0.status(Instant::now())[0].failures, 0);
}

#[test]
fn a_target_that_keeps_refusing_is_left_alone() {
    let (listener, port) = listener();
    drop(listener);
    let mut link = link(&format!("tcp://127.0.0.1:{port}"), true, &[]);
    for _ in 0..5 {
        assert!(matches!(link.connect("there", TIMEOUT), Err(OutboundError::Unreachable(_))));
    }
    assert_eq!(link.0.status(Instant::now())[0].circuit, Circuit::Open);
    let refused = link.connect("there", TIMEOUT).err();
    assert!(matches!(&refused, Some(OutboundError::Unreachable(why)) if why.contains("left alone")), "{refused:?}");
    let figures = link.0.status(Instant::now()).remove(0).figures;
    assert_eq!((figures.ok, figures.failed, figures.not_asked), (0, 5, 1));
    assert_eq!(figures.took.counts.iter().sum::<u64>(), 5, "what is not asked takes no time");
}

#[test]
fn bytes_go_both_ways_and_the_end_is_seen() {
    let (listener, port) = listener();
    let echo = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut bytes = [0; 4];
        stream.read_exact(&mut bytes).unwrap();
        stream.write_all(&bytes).unwrap();
    });
    let mut open = link(&format!("tcp://127.0.0.1:{port}"), true, &[]).connect("there", TIMEOUT).unwrap();
    assert_eq!(open.receive(10, Duration::from_millis(1)), Err(OutboundError::TimedOut));
    open.send(b"ping", TIMEOUT).unwrap();
    let mut received = Vec::new();
    while received.len() < 4 {
        received.extend(open.receive(10, TIMEOUT).unwrap());
    }
    assert_eq!(received, b"ping");
    assert_eq!(open.receive(10, TIMEOUT), Ok(Vec::new()));
    echo.join().unwrap();
}

/// An authority, and how a server is configured that has a certificate of it, for 127.0.0.1.
fn authority() -> (String, Arc<ServerConfig>) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "an authority");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = config.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    (authority.pem(), Arc::new(config))
}

/// Answers so many callers over TLS; how many of them said anything.
fn serve_tls(listener: TcpListener, config: Arc<ServerConfig>, callers: usize) -> JoinHandle<usize> {
    thread::spawn(move || {
        let spoke = (0..callers).filter(|_| {
            let (stream, _) = listener.accept().unwrap();
            let mut tls = BufReader::new(StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream));
            let mut line = String::new();
            if tls.read_line(&mut line).is_err() || line.is_empty() {
                return false;
            }
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
            tls.get_mut().write_all(answer).unwrap();
            tls.get_mut().conn.send_close_notify();
            tls.get_mut().flush().unwrap();
            // What else was said is read, so that the end of the connection is none too early.
            let _ = tls.read_to_end(&mut Vec::new());
            true
        });
        spoke.count()
    })
}

#[test]
fn a_target_shows_a_certificate_of_the_authorities_that_its_grant_names_and_of_no_others() {
    let (listener, port) = listener();
    let (ca, config) = authority();
    let server = serve_tls(listener, config, 6);
    let grant = |scheme: &str, ca: Option<&str>| {
        let url = format!("{scheme}://127.0.0.1:{port}");
        granted(&serde_json::json!({ "url": url, "private": true, "ca": ca }))
    };
    let (other, _) = authority();

    let answer = exchange(&mut grant("https", Some(&ca)), post("/", &[])).unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"ok"[..]));
    let mut open = grant("tls", Some(&format!("{other}{ca}"))).connect("there", TIMEOUT).unwrap();
    open.send(b"hello\n", TIMEOUT).unwrap();
    assert!(open.receive(100, TIMEOUT).unwrap().starts_with(b"HTTP/1.1 200"));
    drop(open);
    for ca in [None, Some(other.as_str())] {
        let refused = grant("tls", ca).connect("there", TIMEOUT).err();
        assert!(matches!(&refused, Some(OutboundError::Unreachable(why)) if why.contains("TLS failed")), "{refused:?}");
        let refused = exchange(&mut grant("https", ca), post("/", &[]));
        assert!(matches!(&refused, Err(OutboundError::Unreachable(why)) if why.contains("TLS failed")), "{refused:?}");
    }
    assert_eq!(server.join().unwrap(), 2, "nothing was said to whom was not trusted");
    assert!(grant("tls", Some(&ca)).0.status(Instant::now())[0].own_ca);
}
