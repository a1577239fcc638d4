//! Tokens of another site, as its enemies make them. Source: RFC 8725.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use ring::{hmac, signature};
use serde_json::{Value, json};

use super::case::{Case, Outcome};
use super::people::bearer;
use super::stage::Stage;

mod rsa;

pub(crate) const SECRET: &str =
    "a shared secret of the site, long enough for HS512 too: of more than 64 bytes";
const ISSUER: &str = "https://site.example";
const AUDIENCE: &str = "downbeat";
/// Its key of RSA; the other half is in `rsa.pk8`.
const RSA: &str = include_str!("rsa.pub.pem");

/// The keys of the other site.
pub(crate) struct Site {
    ec: EcdsaKeyPair,
    ed: Ed25519KeyPair,
}

impl Site {
    pub(crate) fn new() -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let ec = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        let ed = Ed25519KeyPair::generate_pkcs8(&random).expect("a key");
        Self {
            ec: EcdsaKeyPair::from_pkcs8(algorithm, ec.as_ref(), &random).expect("a key"),
            ed: Ed25519KeyPair::from_pkcs8(ed.as_ref()).expect("a key"),
        }
    }

    fn ec_pem(&self) -> String {
        const HEAD: [u8; 26] = [
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
            0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
        ];
        pem(&HEAD, self.ec.public_key().as_ref())
    }

    fn ed_pem(&self) -> String {
        const HEAD: [u8; 12] = [
            0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
        ];
        pem(&HEAD, self.ed.public_key().as_ref())
    }

    /// What the server is told of these keys.
    pub(crate) fn settings(&self) -> String {
        let section = |name: &str, algorithm: &str, key: &str| {
            format!(
                "[jwt.{name}]\nalgorithm = \"{algorithm}\"\nkey = \"\"\"{key}\"\"\"\n\
                 issuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\n"
            )
        };
        [
            section("hs", "HS256", SECRET),
            section("ec", "ES256", &self.ec_pem()),
            section("ed", "EdDSA", &self.ed_pem()),
            section("rs", "RS256", RSA),
            // The same secret for another algorithm.
            section("hs5", "HS512", SECRET),
        ]
        .concat()
    }
}

fn pem(head: &[u8], key: &[u8]) -> String {
    let der = [head, key].concat();
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")
}

fn now_s() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("after 1970").as_secs()
}

fn claims() -> Value {
    let now = now_s();
    json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "7", "iat": now, "exp": now + 300})
}

fn part(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token of these two texts, with what this makes of them behind it.
fn token(header: &str, claims: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = sign(signed.as_bytes());
    format!("{signed}.{}", part(signature))
}

fn with_secret(secret: &[u8]) -> impl FnOnce(&[u8]) -> Vec<u8> {
    move |signed| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        hmac::sign(&key, signed).as_ref().to_vec()
    }
}

/// A token that is good for the next minutes.
pub(crate) fn good() -> String {
    hs256(HEADER, &claims().to_string())
}

/// Signed as it should be, with this header and these claims.
fn hs256(header: &str, claims: &str) -> String {
    token(header, claims, with_secret(SECRET.as_bytes()))
}

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT","kid":"hs"}"#;

fn case(name: &str, expect: Outcome, make: impl Fn() -> String + 'static) -> Case {
    Case::new(format!("JWT: {name}"), &[expect], move |stage: &Stage| {
        let token = make();
        stage.issued(&token);
        stage.knock("main", "x", &bearer(&token))
    })
}

pub(crate) fn cases(site: &Site) -> Vec<Case> {
    let mut cases = headers();
    cases.extend(confusions(site));
    cases.extend(rsa::cases());
    cases.extend(shapes());
    cases.extend(bad_claims());
    cases
}

fn headers() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, header, expect) in [
        ("good", HEADER, 101),
        ("without typ", r#"{"alg":"HS256","kid":"hs"}"#, 101),
        ("no kid", r#"{"alg":"HS256"}"#, 401),
        ("an unknown kid", r#"{"alg":"HS256","kid":"hs2"}"#, 401),
        ("an empty kid", r#"{"alg":"HS256","kid":""}"#, 401),
        ("kid null", r#"{"alg":"HS256","kid":null}"#, 401),
        ("kid a number", r#"{"alg":"HS256","kid":0}"#, 401),
        ("kid a list", r#"{"alg":"HS256","kid":["hs"]}"#, 401),
        ("kid in another case", r#"{"alg":"HS256","kid":"HS"}"#, 401),
        ("kid with a space", r#"{"alg":"HS256","kid":"hs "}"#, 401),
        ("kid with a NUL", r#"{"alg":"HS256","kid":"hs\u0000"}"#, 401),
        (
            "kid a path",
            r#"{"alg":"HS256","kid":"../../../../dev/null"}"#,
            401,
        ),
        (
            "kid a query",
            r#"{"alg":"HS256","kid":"hs' or '1'='1"}"#,
            401,
        ),
        ("kid of another key", r#"{"alg":"HS256","kid":"ec"}"#, 401),
        ("kid twice", r#"{"alg":"HS256","kid":"ec","kid":"hs"}"#, 401),
        ("no alg", r#"{"kid":"hs"}"#, 401),
        ("alg null", r#"{"alg":null,"kid":"hs"}"#, 401),
        ("alg a list", r#"{"alg":["HS256"],"kid":"hs"}"#, 401),
        ("alg in another case", r#"{"alg":"hs256","kid":"hs"}"#, 401),
        (
            "alg twice",
            r#"{"alg":"none","alg":"HS256","kid":"hs"}"#,
            401,
        ),
        ("alg HS512", r#"{"alg":"HS512","kid":"hs"}"#, 401),
        ("alg RS256", r#"{"alg":"RS256","kid":"hs"}"#, 401),
        ("crit", r#"{"alg":"HS256","kid":"hs","crit":["exp"]}"#, 401),
        (
            "an empty crit",
            r#"{"alg":"HS256","kid":"hs","crit":[]}"#,
            401,
        ),
        (
            "crit null",
            r#"{"alg":"HS256","kid":"hs","crit":null}"#,
            401,
        ),
        (
            "b64 false",
            r#"{"alg":"HS256","kid":"hs","b64":false,"crit":["b64"]}"#,
            401,
        ),
        ("a header that is a list", "[]", 401),
        ("a header that is a word", "\"HS256\"", 401),
        ("an empty header", "", 401),
        (
            "a header with garbage behind",
            r#"{"alg":"HS256","kid":"hs"}x"#,
            401,
        ),
        (
            "a key in the header",
            r#"{"alg":"HS256","kid":"hs2","jwk":{"kty":"oct","k":"AAAA"}}"#,
            401,
        ),
        (
            "an address of keys",
            r#"{"alg":"HS256","kid":"hs2","jku":"http://evil.net/keys"}"#,
            401,
        ),
        (
            "a certificate's address",
            r#"{"alg":"HS256","kid":"hs2","x5u":"http://evil.net/c"}"#,
            401,
        ),
    ] {
        cases.push(case(name, expect, move || {
            hs256(header, &claims().to_string())
        }));
    }
    for alg in ["none", "None", "NONE", "nOnE", "", "null", "HS256 "] {
        for kid in ["hs", "ec", "rs"] {
            let header = json!({"alg": alg, "kid": kid}).to_string();
            cases.push(case(
                &format!("alg {alg:?} of {kid}, unsigned"),
                401,
                move || token(&header, &claims().to_string(), |_| Vec::new()),
            ));
        }
    }
    cases
}

/// A public key as a shared secret, and signatures of the wrong kind.
fn confusions(site: &Site) -> Vec<Case> {
    let mut cases = Vec::new();
    for (kid, pem) in [
        ("ec", site.ec_pem()),
        ("ed", site.ed_pem()),
        ("rs", RSA.to_owned()),
    ] {
        for alg in ["HS256", "ES256", "EdDSA", "RS256"] {
            for (what, secret) in [
                ("its text", pem.clone()),
                ("its text, trimmed", pem.trim().to_owned()),
            ] {
                let header = json!({"alg": alg, "kid": kid}).to_string();
                let name = format!("{what} of {kid} as secret, alg {alg}");
                cases.push(case(&name, 401, move || {
                    token(
                        &header,
                        &claims().to_string(),
                        with_secret(secret.as_bytes()),
                    )
                }));
            }
        }
    }
    let good = |kid: &'static str, alg: &'static str| json!({"alg": alg, "kid": kid}).to_string();
    let text = claims().to_string();
    let random = SystemRandom::new();
    let sign_ec = |signed: &[u8]| {
        site.ec
            .sign(&random, signed)
            .expect("signed")
            .as_ref()
            .to_vec()
    };
    let sign_ed = |signed: &[u8]| site.ed.sign(signed).as_ref().to_vec();
    let ready = |name: &str, expect, token: String| case(name, expect, move || token.clone());
    let other = Site::new();
    let sign_other = |signed: &[u8]| {
        other
            .ec
            .sign(&random, signed)
            .expect("signed")
            .as_ref()
            .to_vec()
    };
    cases.extend([
        ready(
            "good by ES256",
            101,
            token(&good("ec", "ES256"), &text, sign_ec),
        ),
        ready(
            "good by EdDSA",
            101,
            token(&good("ed", "EdDSA"), &text, sign_ed),
        ),
        ready(
            "ES256 of another key",
            401,
            token(&good("ec", "ES256"), &text, sign_other),
        ),
        ready(
            "ES256 of zeros",
            401,
            token(&good("ec", "ES256"), &text, |_| vec![0; 64]),
        ),
        ready(
            "ES256 of nothing",
            401,
            token(&good("ec", "ES256"), &text, |_| Vec::new()),
        ),
        ready(
            "EdDSA of zeros",
            401,
            token(&good("ed", "EdDSA"), &text, |_| vec![0; 64]),
        ),
        ready(
            "RS256 of zeros",
            401,
            token(&good("rs", "RS256"), &text, |_| vec![0; 256]),
        ),
        ready(
            "RS256 of ones",
            401,
            token(&good("rs", "RS256"), &text, |_| {
                let mut one = vec![0; 256];
                one[255] = 1;
                one
            }),
        ),
        ready(
            "EdDSA's signature by the name of ES256",
            401,
            token(&good("ec", "ES256"), &text, sign_ed),
        ),
        ready(
            "ES256's signature by the name of EdDSA",
            401,
            token(&good("ed", "EdDSA"), &text, sign_ec),
        ),
    ]);
    let _: &dyn signature::VerificationAlgorithm = &signature::ED25519;
    cases
}

fn shapes() -> Vec<Case> {
    let good = || hs256(HEADER, &claims().to_string());
    let bent = |name: &str, bend: fn(&str) -> String| case(name, 401, move || bend(&good()));
    vec![
        bent("no signature", |t| {
            t.rsplit_once('.').expect("dots").0.to_owned()
        }),
        bent("an empty signature", |t| {
            format!("{}.", t.rsplit_once('.').expect("dots").0)
        }),
        bent("a signature cut short", |t| t[..t.len() - 4].to_owned()),
        bent("a signature with padding", |t| format!("{t}=")),
        bent("a signature with a tail", |t| format!("{t}AAAA")),
        bent("four parts", |t| format!("{t}.{t}")),
        bent("five parts, as if encrypted", |t| format!("{t}.AAAA.AAAA")),
        bent("a dot before", |t| format!(".{t}")),
        bent("a dot behind", |t| format!("{t}.")),
        bent("dots alone", |_| "..".into()),
        bent("a bit turned in the claims", |t| turned(t, 1)),
        bent("a bit turned in the header", |t| turned(t, 0)),
        bent("a bit turned in the signature", |t| turned(t, 2)),
        bent("in quotes", |t| format!("\"{t}\"")),
        case("5 KiB", 401, || {
            let mut claims = claims();
            claims["pad"] = "x".repeat(4000).into();
            hs256(HEADER, &claims.to_string())
        }),
        case("a deep nest", 401, || {
            let text = claims().to_string();
            let nest = format!("{}{}", "[".repeat(500), "]".repeat(500));
            hs256(
                HEADER,
                &format!("{},\"x\":{nest}}}", text.trim_end_matches('}')),
            )
        }),
    ]
}

/// Changes one character in the middle of a part.
fn turned(token: &str, part: usize) -> String {
    let mut parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    let middle = parts[part].len() / 2;
    let by = if parts[part].as_bytes()[middle] == b'A' {
        "B"
    } else {
        "A"
    };
    parts[part].replace_range(middle..=middle, by);
    parts.join(".")
}

fn bad_claims() -> Vec<Case> {
    let now = now_s;
    let mut cases = Vec::new();
    for claim in ["iss", "aud", "sub", "iat", "exp"] {
        cases.push(case(&format!("no {claim}"), 401, move || {
            let mut claims = claims();
            claims.as_object_mut().expect("an object").remove(claim);
            hs256(HEADER, &claims.to_string())
        }));
        let wrongs = [Value::Null, json!(true), json!({}), json!([1]), json!("")];
        for wrong in wrongs {
            cases.push(case(&format!("{claim} is {wrong}"), 401, move || {
                let mut claims = claims();
                claims[claim] = wrong.clone();
                hs256(HEADER, &claims.to_string())
            }));
        }
    }
    let with = |name: &str, expect, claim: &'static str, value: fn() -> Value| {
        case(name, expect, move || {
            let mut claims = claims();
            claims[claim] = value();
            hs256(HEADER, &claims.to_string())
        })
    };
    let _ = now;
    cases.extend([
        with("expired an hour ago", 401, "exp", || json!(now_s() - 3600)),
        with("expired beyond the leeway", 401, "exp", || {
            json!(now_s() - 40)
        }),
        with("expired within the leeway", 101, "exp", || {
            json!(now_s() - 10)
        }),
        with("exp 0", 401, "exp", || json!(0)),
        with("exp below zero", 401, "exp", || json!(-1)),
        with("exp as text", 401, "exp", || {
            json!((now_s() + 300).to_string())
        }),
        with("exp beyond numbers", 401, "exp", || json!(1e300)),
        with("issued in an hour", 401, "iat", || json!(now_s() + 3600)),
        with("iat as text", 401, "iat", || json!(now_s().to_string())),
        with("not before an hour", 401, "nbf", || json!(now_s() + 3600)),
        with("nbf null", 401, "nbf", || Value::Null),
        with("nbf as text", 401, "nbf", || json!("0")),
        with("another issuer", 401, "iss", || {
            json!("https://evil.example")
        }),
        with("an issuer with a slash", 401, "iss", || {
            json!("https://site.example/")
        }),
        with("an issuer in a list", 401, "iss", || json!([ISSUER])),
        with("another audience", 401, "aud", || json!("upbeat")),
        with("an audience with a tail", 401, "aud", || json!("downbeat ")),
        with("audiences without ours", 401, "aud", || json!(["a", "b"])),
        with("no audiences", 401, "aud", || json!([])),
        with("audiences that are not all texts", 401, "aud", || {
            json!([AUDIENCE, 1])
        }),
        with("audiences with ours", 101, "aud", || json!(["a", AUDIENCE])),
        with("a subject of a number", 401, "sub", || json!(7)),
        with("a subject that steers", 101, "sub", || {
            json!("account_1\u{202e}../x")
        }),
    ]);
    for text in ["", "[]", "null", "{", "{}x", "\"x\""] {
        cases.push(case(&format!("claims {text:?}"), 401, move || {
            hs256(HEADER, text)
        }));
    }
    cases.push(case("a claim twice", 401, || {
        let text = claims().to_string();
        hs256(
            HEADER,
            &format!("{},\"exp\":9999999999}}", text.trim_end_matches('}')),
        )
    }));
    cases
}
