use ring::rand::SystemRandom;
use ring::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use serde_json::json;

use super::*;

const NOW: i64 = 1_800_000_000;
const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn section(algorithm: JwtAlgorithm, key: &str) -> JwtConfig {
    JwtConfig {
        algorithm: Some(algorithm),
        key: Some(key.into()),
        issuer: Some("https://site.example".into()),
        audience: Some("game".into()),
        name_claim: Some("nick".into()),
        ..JwtConfig::default()
    }
}

fn verifier(algorithm: JwtAlgorithm, key: &str) -> Verifier {
    let sections = BTreeMap::from([("site".to_owned(), section(algorithm, key))]);
    Verifier::new(&sections).expect("a key")
}

fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(contents.len()).expect("short").to_be_bytes();
    let head = match (high, low) {
        (0, 0..0x80) => vec![tag, low],
        (0, _) => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [&head, contents].concat()
}

fn pem(algorithm: &[u8], key: &[u8]) -> String {
    let bits = tlv(3, &[&[0], key].concat());
    let der = tlv(0x30, &[tlv(0x30, algorithm), bits].concat());
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")
}

fn claims() -> Value {
    json!({"iss": "https://site.example", "aud": "game", "sub": "42", "nick": "Ada",
           "iat": NOW - 10, "exp": NOW + 60})
}

fn header(algorithm: &str) -> Value {
    json!({"typ": "JWT", "alg": algorithm, "kid": "site"})
}

fn signed(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn hs256(message: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    hmac::sign(&key, message).as_ref().to_vec()
}

#[track_caller]
fn check(header: &Value, claims: &Value, expect: Result<(), Flaw>) {
    let token = signed(header, claims, hs256);
    let verified = verifier(JwtAlgorithm::Hs256, SECRET).verify(&token, NOW);
    assert_eq!(verified.map(drop), expect, "{header} {claims}");
}

fn with(key: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[key] = value;
    claims
}

fn without(key: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().expect("an object").remove(key);
    claims
}

#[test]
fn a_good_token_says_who_it_is() {
    let token = signed(&header("HS256"), &claims(), hs256);
    let verified = verifier(JwtAlgorithm::Hs256, SECRET).verify(&token, NOW);
    let (user, issued_at_s) = verified.expect("good");
    assert_eq!((user.id.as_str(), &*user.name), ("site_42", "Ada"));
    assert_eq!((user.kind, issued_at_s), (UserKind::External, NOW - 10));
}

#[test]
fn a_subject_may_be_the_name_but_not_what_tokens_say_of_themselves() {
    let named_by = |claim: &str| {
        let mut config = section(JwtAlgorithm::Hs256, SECRET);
        config.name_claim = Some(claim.into());
        Verifier::new(&BTreeMap::from([("site".to_owned(), config)]))
    };
    let token = signed(&header("HS256"), &claims(), hs256);
    let verified = named_by("sub").expect("a key").verify(&token, NOW);
    assert_eq!(verified.expect("good").0.name, "42");
    for claim in ["iss", "aud", "exp", "iat", "nbf"] {
        let text = named_by(claim).map(drop).expect_err("no name").to_string();
        assert!(text.starts_with("jwt.site.name_claim: "), "{text}");
    }
}

#[test]
fn each_algorithm_verifies_what_was_signed_with_its_key_and_nothing_else() {
    let random = SystemRandom::new();
    let hmac_of = |algorithm| {
        move |message: &[u8]| {
            let key = hmac::Key::new(algorithm, SECRET.as_bytes());
            hmac::sign(&key, message).as_ref().to_vec()
        }
    };
    let ed = Ed25519KeyPair::generate_pkcs8(&random).expect("generated");
    let ed = Ed25519KeyPair::from_pkcs8(ed.as_ref()).expect("a key");
    let ed_pem = pem(&[&[6, 3], OID_ED25519].concat(), ed.public_key().as_ref());
    let p256 = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
    let ec = EcdsaKeyPair::generate_pkcs8(p256, &random).expect("generated");
    let ec = EcdsaKeyPair::from_pkcs8(p256, ec.as_ref(), &random).expect("a key");
    let ids = [&[6, 7], OID_EC, &[6, 8], OID_P256].concat();
    let ec_pem = pem(&ids, ec.public_key().as_ref());
    let sign_ed = |message: &[u8]| ed.sign(message).as_ref().to_vec();
    let sign_ec = |message: &[u8]| {
        let signature = ec.sign(&random, message).expect("signed");
        signature.as_ref().to_vec()
    };
    let (hs384, hs512) = (hmac_of(hmac::HMAC_SHA384), hmac_of(hmac::HMAC_SHA512));
    type Sign<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;
    let kinds: [(JwtAlgorithm, &str, Sign<'_>); 5] = [
        (JwtAlgorithm::Hs256, SECRET, &hs256),
        (JwtAlgorithm::Hs384, SECRET, &hs384),
        (JwtAlgorithm::Hs512, SECRET, &hs512),
        (JwtAlgorithm::EdDsa, &ed_pem, &sign_ed),
        (JwtAlgorithm::Es256, &ec_pem, &sign_ec),
    ];
    for (algorithm, key, sign) in &kinds {
        let verifier = verifier(*algorithm, key);
        for (other, _, sign_other) in &kinds {
            let own_name = signed(&header(algorithm.name()), &claims(), sign_other);
            let verified = verifier.verify(&own_name, NOW).map(drop);
            let expect = if algorithm == other {
                Ok(())
            } else {
                Err(Flaw::Signature)
            };
            assert_eq!(verified, expect, "{algorithm:?} {other:?}");
            let other_name = signed(&header(other.name()), &claims(), sign);
            let verified = verifier.verify(&other_name, NOW).map(drop);
            let expect = if algorithm == other {
                Ok(())
            } else {
                Err(Flaw::Algorithm)
            };
            assert_eq!(verified, expect, "{algorithm:?} {other:?}");
        }
    }
    // The classic: the public key as the secret.
    let forged = signed(&header("HS256"), &claims(), |message| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, ec_pem.as_bytes());
        hmac::sign(&key, message).as_ref().to_vec()
    });
    let verified = verifier(JwtAlgorithm::Es256, &ec_pem).verify(&forged, NOW);
    assert_eq!(verified.map(drop), Err(Flaw::Algorithm));
}

#[test]
fn headers_have_no_say_in_how_they_are_verified() {
    for (header, flaw) in [
        (json!({"alg": "none", "kid": "site"}), Flaw::Algorithm),
        (json!({"alg": "None", "kid": "site"}), Flaw::Algorithm),
        (json!({"alg": "hs256", "kid": "site"}), Flaw::Algorithm),
        (json!({"alg": "HS512", "kid": "site"}), Flaw::Algorithm),
        (json!({"alg": "HS256"}), Flaw::Header),
        (json!({"alg": "HS256", "kid": 1}), Flaw::Header),
        (json!({"alg": ["HS256"], "kid": "site"}), Flaw::Header),
        (json!({"kid": "site"}), Flaw::Header),
        (json!([]), Flaw::Header),
        (json!(["HS256", "site"]), Flaw::Header),
        (json!({"alg": "HS256", "kid": "other"}), Flaw::UnknownKey),
        (json!({"alg": "HS256", "kid": "Site"}), Flaw::UnknownKey),
        (json!({"alg": "HS256", "kid": "../site"}), Flaw::UnknownKey),
        (
            json!({"alg": "HS256", "kid": "site", "crit": ["exp"]}),
            Flaw::Critical,
        ),
        (
            json!({"alg": "HS256", "kid": "site", "crit": []}),
            Flaw::Critical,
        ),
        (
            json!({"alg": "HS256", "kid": "site", "crit": null}),
            Flaw::Critical,
        ),
        (
            json!({"alg": "HS256", "kid": "site", "b64": false}),
            Flaw::Critical,
        ),
    ] {
        check(&header, &claims(), Err(flaw));
    }
}

#[test]
fn claims_are_there_and_of_the_right_type() {
    let good = header("HS256");
    for key in ["iss", "aud", "exp", "iat", "sub"] {
        check(&good, &without(key), Err(Flaw::Claims));
        check(&good, &with(key, Value::Null), Err(Flaw::Claims));
    }
    for (key, value, expect) in [
        ("exp", json!(NOW.to_string()), Err(Flaw::Claims)),
        ("exp", json!([NOW + 60]), Err(Flaw::Claims)),
        ("exp", json!(1e300), Err(Flaw::Claims)),
        ("exp", json!(u64::MAX), Err(Flaw::Claims)),
        ("exp", json!(NOW as f64 + 0.5), Ok(())),
        ("iat", json!("now"), Err(Flaw::Claims)),
        ("nbf", json!("now"), Err(Flaw::Claims)),
        ("nbf", Value::Null, Err(Flaw::Claims)),
        ("iss", json!(["https://site.example"]), Err(Flaw::Claims)),
        ("iss", json!("https://site.example/"), Err(Flaw::Issuer)),
        ("iss", json!("https://SITE.example"), Err(Flaw::Issuer)),
        ("aud", json!("games"), Err(Flaw::Audience)),
        ("aud", json!(["other", "game"]), Ok(())),
        ("aud", json!([]), Err(Flaw::Audience)),
        ("aud", json!([1, "game"]), Err(Flaw::Claims)),
        ("aud", json!({"game": true}), Err(Flaw::Claims)),
        ("sub", json!(42), Err(Flaw::Claims)),
        ("sub", json!(""), Err(Flaw::Claims)),
        ("nick", json!(7), Ok(())),
    ] {
        check(&good, &with(key, value), expect);
    }
}

#[test]
fn clocks_may_be_half_a_minute_apart() {
    let good = header("HS256");
    for (key, at, expect) in [
        ("exp", -29, Ok(())),
        ("exp", -30, Err(Flaw::Expired)),
        ("iat", 30, Ok(())),
        ("iat", 31, Err(Flaw::TooEarly)),
        ("nbf", 30, Ok(())),
        ("nbf", 31, Err(Flaw::TooEarly)),
        ("nbf", -500, Ok(())),
    ] {
        check(&good, &with(key, json!(NOW + at)), expect);
    }
}

#[test]
fn a_token_is_good_for_a_day_at_most() {
    let good = header("HS256");
    for (lasts_s, expect) in [
        (JWT_LASTS_S_MAX, Ok(())),
        (JWT_LASTS_S_MAX + 1, Err(Flaw::LastsTooLong)),
    ] {
        let exp = json!(NOW - 10 + lasts_s);
        check(&good, &with("exp", exp), expect);
    }
    let mut ancient = claims();
    ancient["iat"] = json!(i64::MIN);
    check(&good, &ancient, Err(Flaw::LastsTooLong));
}

#[test]
fn what_is_no_token_is_refused_before_anything_is_looked_at() {
    let verifier = verifier(JwtAlgorithm::Hs256, SECRET);
    let good = signed(&header("HS256"), &claims(), hs256);
    let (head, rest) = good.split_once('.').expect("parts");
    let (body, tail) = rest.split_once('.').expect("parts");
    let flaw = |token: &str| verifier.verify(token, NOW).map(drop);
    assert_eq!(flaw(&good), Ok(()));
    for token in ["", ".", "..", "a.b", "a.b.c.d", &format!("{good}.")] {
        assert!(flaw(token).is_err(), "{token}");
    }
    assert_eq!(flaw(&format!("{head}.{body}.")), Err(Flaw::Signature));
    assert_eq!(flaw(&format!("{head}.{body}.{tail}=")), Err(Flaw::Shape));
    assert_eq!(flaw(&format!("{head}.{body}. {tail}")), Err(Flaw::Shape));
    assert_eq!(
        flaw(&format!("{good}{}", "A".repeat(5000))),
        Err(Flaw::TooLong)
    );
    let other = URL_SAFE_NO_PAD.encode(with("sub", json!("1")).to_string());
    assert_eq!(
        flaw(&format!("{head}.{other}.{tail}")),
        Err(Flaw::Signature)
    );
    // A claim that is there twice means one thing to us and another to somebody else.
    let twice =
        r#"{"iss":"https://site.example","aud":"game","sub":"1","sub":"2","iat":1,"exp":9}"#;
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let message = format!("{head}.{}", part(twice));
    let token = format!(
        "{message}.{}",
        URL_SAFE_NO_PAD.encode(hs256(message.as_bytes()))
    );
    assert_eq!(flaw(&token), Err(Flaw::Claims));
}

/// What is said at the start of a section that is of no use.
fn refused(config: JwtConfig) -> String {
    let sections = BTreeMap::from([("site".to_owned(), config)]);
    let refused = Verifier::new(&sections).map(drop);
    refused.expect_err("of no use").to_string()
}

#[test]
fn claims_that_can_name_nobody_are_told_at_the_start() {
    for claim in ["iss", "aud", "exp", "iat", "nbf"] {
        let text = refused(JwtConfig {
            name_claim: Some(claim.into()),
            ..section(JwtAlgorithm::Hs256, SECRET)
        });
        assert!(text.starts_with("jwt.site.name_claim: "), "{text}");
    }
}

#[test]
fn keys_that_are_none_are_told_at_the_start() {
    let good = section(JwtAlgorithm::Hs256, SECRET);
    let missing = |config| refused(config).split(' ').next().map(str::to_owned);
    for (config, key) in [
        (
            JwtConfig {
                algorithm: None,
                ..good.clone()
            },
            "jwt.site.algorithm",
        ),
        (
            JwtConfig {
                key: None,
                ..good.clone()
            },
            "jwt.site.key",
        ),
        (
            JwtConfig {
                issuer: None,
                ..good.clone()
            },
            "jwt.site.issuer",
        ),
        (
            JwtConfig {
                audience: None,
                ..good.clone()
            },
            "jwt.site.audience",
        ),
    ] {
        assert_eq!(missing(config).as_deref(), Some(key));
    }
    let short = refused(section(JwtAlgorithm::Hs256, "short"));
    assert_eq!(
        short,
        "jwt.site.key: expected a secret of at least 32 bytes for HS256"
    );
    let ed = pem(&[&[6, 3], OID_ED25519].concat(), &[7; 32]);
    for (algorithm, key) in [
        (JwtAlgorithm::Hs256, ed.as_str()),
        (JwtAlgorithm::Es256, ed.as_str()),
        (JwtAlgorithm::Rs256, ed.as_str()),
        (JwtAlgorithm::EdDsa, SECRET),
    ] {
        let text = refused(section(algorithm, key));
        assert!(text.starts_with("jwt.site.key: expected "), "{text}");
        assert!(!text.contains(SECRET), "{text}");
    }
    let again = JwtConfig {
        kid: Some("site".into()),
        ..good.clone()
    };
    let sections = BTreeMap::from([("site".to_owned(), good), ("two".to_owned(), again)]);
    assert!(matches!(
        Verifier::new(&sections),
        Err(BadJwtKey::Twice { .. })
    ));
}

#[test]
fn keys_of_the_wrong_size_are_told_at_the_start() {
    let check = |algorithm: JwtAlgorithm, ids: &[u8], key: &[u8], is_good: bool| {
        let config = section(algorithm, &pem(ids, key));
        let read = Verifier::new(&BTreeMap::from([("site".to_owned(), config)]));
        let len = key.len();
        assert_eq!(read.is_ok(), is_good, "{algorithm:?} of {len} bytes");
    };
    let ed = [&[6, 3], OID_ED25519].concat();
    for len in 0..=40 {
        check(JwtAlgorithm::EdDsa, &ed, &vec![7; len], len == 32);
    }
    let ec = [&[6, 7], OID_EC, &[6, 8], OID_P256].concat();
    for (head, len, is_good) in [
        (4, 64, true),
        (4, 63, false),
        (4, 65, false),
        (2, 32, false),
        (3, 64, false),
    ] {
        let key = [&[head][..], &vec![7; len]].concat();
        check(JwtAlgorithm::Es256, &ec, &key, is_good);
    }
    let rsa = [&[6, 9], OID_RSA, &[5, 0]].concat();
    let of = |modulus: &[u8], exponent: &[u8]| {
        let numbers = [tlv(INTEGER, modulus), tlv(INTEGER, exponent)].concat();
        tlv(SEQUENCE, &numbers)
    };
    let modulus = |len| [&[0][..], &vec![0xff; len]].concat();
    for (len, is_good) in [
        (128, false),
        (255, false),
        (256, true),
        (512, true),
        (1025, false),
    ] {
        let key = of(&modulus(len), &[1, 0, 1]);
        check(JwtAlgorithm::Rs256, &rsa, &key, is_good);
    }
    let good = of(&modulus(256), &[1, 0, 1]);
    check(JwtAlgorithm::Rs256, &rsa, &good[..good.len() - 1], false);
    check(
        JwtAlgorithm::Rs256,
        &rsa,
        &[&good[..], &[0]].concat(),
        false,
    );
    check(JwtAlgorithm::Rs256, &rsa, &of(&modulus(256), &[]), false);
}

#[test]
fn no_two_subjects_are_one_user() {
    let id = |name: &str, sub: &str| id_of(name, sub).to_string();
    assert_eq!(id("site", "42"), "site_42");
    assert_eq!(id("site", "a_b-c"), "site_a_b-c");
    let odd = id("site", "ada@example.com");
    assert!(odd.starts_with("site_h-") && odd.len() == 50, "{odd}");
    let digest = odd.strip_prefix("site_").expect("its start");
    assert_ne!(
        id("site", digest),
        odd,
        "nobody is called like another's digest"
    );
    assert_eq!(id("a-name-of-16-char", &"x".repeat(300)).len(), 63);
}

#[test]
fn a_revoked_user_needs_a_newer_token() {
    let revoked = Revoked::default();
    let ada = UserId::new("site_42").expect("an id");
    assert!(!revoked.includes(&ada, now_s()));
    revoked.revoke(&ada);
    assert!(revoked.includes(&ada, now_s() - 1));
    assert!(
        revoked.includes(&ada, now_s() + JWT_LEEWAY_S - 5),
        "their clock is ahead"
    );
    assert!(!revoked.includes(&ada, now_s() + JWT_LEEWAY_S + 5));
    let bob = UserId::new("site_43").expect("an id");
    assert!(!revoked.includes(&bob, 0));
}

#[test]
fn so_many_revocations_are_remembered_and_the_newest_are_among_them() {
    let revoked = Revoked::default();
    let user = |n: usize| UserId::new(&format!("site_{n}")).expect("an id");
    let long_ago = (0..REVOKED_MAX).map(|n| (user(n), now_s() - 60));
    revoked.0.lock().expect("no panic").extend(long_ago);
    for n in 0..3 {
        revoked.revoke(&user(REVOKED_MAX + n));
    }
    assert_eq!(revoked.0.lock().expect("no panic").len(), REVOKED_MAX);
    for n in 0..3 {
        assert!(revoked.includes(&user(REVOKED_MAX + n), now_s()));
    }
}
