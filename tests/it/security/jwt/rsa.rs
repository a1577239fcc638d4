//! Tokens with signatures of RSA, and what may be made of its public half.

use base64::Engine as _;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use serde_json::json;

use super::{RSA, SECRET, case, claims, hs256, part, token, with_secret};
use crate::security::case::Case;

/// Keys of RSA take too long to make anew; these are of no use elsewhere.
const RSA_PRIVATE: &[u8] = include_bytes!("../rsa.pk8");
/// Somebody else's.
const RSA_FOREIGN: &[u8] = include_bytes!("../rsa-foreign.pk8");

fn with_rsa(
    key: &'static [u8],
    padding: &'static dyn RsaEncoding,
) -> impl FnOnce(&[u8]) -> Vec<u8> {
    move |signed| {
        let pair = RsaKeyPair::from_pkcs8(key).expect("a key");
        let mut signature = vec![0; pair.public().modulus_len()];
        let random = SystemRandom::new();
        let done = pair.sign(padding, &random, signed, &mut signature);
        done.expect("signed");
        signature
    }
}

/// The number that a key of RSA is about. It stands behind the heads of a sequence and of a
/// number, and a zero. Source: RFC 8017 § A.1.1.
fn modulus(key: &[u8]) -> Vec<u8> {
    let pair = RsaKeyPair::from_pkcs8(key).expect("a key");
    let public = pair.public();
    public.as_ref()[9..][..public.modulus_len()].to_vec()
}

/// Good signatures of RSA by the wrong key, for the wrong key, with the wrong padding; and its
/// public half, which everybody has, as a secret in all its shapes.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let rs = r#"{"alg":"RS256","typ":"JWT","kid":"rs"}"#;
    let jwk = json!({"kty": "RSA", "n": part(modulus(RSA_FOREIGN)), "e": "AQAB", "alg": "RS256", "kid": "rs"});
    let own_key = json!({"alg": "RS256", "kid": "rs", "jwk": jwk}).to_string();
    let own_chain =
        json!({"alg": "RS256", "kid": "rs", "x5c": [part(modulus(RSA_FOREIGN))]}).to_string();
    let own_place = json!({"alg": "RS256", "kid": "rs", "jku": "http://127.0.0.1:9/"}).to_string();
    let headers = [
        ("good by RS256", 101, rs, RSA_PRIVATE),
        ("RS256 of another's key", 401, rs, RSA_FOREIGN),
        (
            "RS256 of another's key, in the header",
            401,
            &own_key,
            RSA_FOREIGN,
        ),
        (
            "RS256 of another's key, in a chain",
            401,
            &own_chain,
            RSA_FOREIGN,
        ),
        (
            "RS256 of another's key, at an address",
            401,
            &own_place,
            RSA_FOREIGN,
        ),
        (
            "RS256 of another's key without kid",
            401,
            r#"{"alg":"RS256"}"#,
            RSA_FOREIGN,
        ),
        ("RS256 without kid", 401, r#"{"alg":"RS256"}"#, RSA_PRIVATE),
        (
            "RS256 for the secret",
            401,
            r#"{"alg":"RS256","kid":"hs"}"#,
            RSA_PRIVATE,
        ),
        (
            "RS256 for the key of ES256",
            401,
            r#"{"alg":"RS256","kid":"ec"}"#,
            RSA_PRIVATE,
        ),
        (
            "RS256 by the name of ES256",
            401,
            r#"{"alg":"ES256","kid":"rs"}"#,
            RSA_PRIVATE,
        ),
        (
            "RS256 by the name of RS512",
            401,
            r#"{"alg":"RS512","kid":"rs"}"#,
            RSA_PRIVATE,
        ),
        (
            "RS256 by the name of PS256",
            401,
            r#"{"alg":"PS256","kid":"rs"}"#,
            RSA_PRIVATE,
        ),
        (
            "RS256 by the name of HS256",
            401,
            r#"{"alg":"HS256","kid":"rs"}"#,
            RSA_PRIVATE,
        ),
        (
            "RS256 by no name",
            401,
            r#"{"alg":"none","kid":"rs"}"#,
            RSA_PRIVATE,
        ),
    ];
    for (name, expect, header, key) in headers {
        let header = header.to_owned();
        cases.push(case(name, expect, move || {
            token(
                &header,
                &claims().to_string(),
                with_rsa(key, &RSA_PKCS1_SHA256),
            )
        }));
    }
    let paddings: [(&str, &'static dyn RsaEncoding); 2] = [
        ("RS512's signature by the name of RS256", &RSA_PKCS1_SHA512),
        ("PS256's signature by the name of RS256", &RSA_PSS_SHA256),
    ];
    for (name, padding) in paddings {
        cases.push(case(name, 401, move || {
            token(rs, &claims().to_string(), with_rsa(RSA_PRIVATE, padding))
        }));
    }
    cases.push(case(
        "RS256's signature under other claims",
        401,
        move || {
            let signed = token(
                rs,
                &claims().to_string(),
                with_rsa(RSA_PRIVATE, &RSA_PKCS1_SHA256),
            );
            let mut other = claims();
            other["sub"] = "8".into();
            let (_, signature) = signed.rsplit_once('.').expect("dots");
            format!("{}.{}.{signature}", part(rs), part(other.to_string()))
        },
    ));
    let base64: String = RSA.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(&base64);
    let pair = RsaKeyPair::from_pkcs8(RSA_PRIVATE).expect("a key");
    let secrets = [
        ("PEM", RSA.as_bytes().to_vec()),
        (
            "PEM without its last line's end",
            RSA.trim_end().as_bytes().to_vec(),
        ),
        (
            "PEM with other ends of lines",
            RSA.replace('\n', "\r\n").into_bytes(),
        ),
        ("its base64", base64.into_bytes()),
        ("its bytes", der.expect("base64")),
        ("PKCS #1", pair.public().as_ref().to_vec()),
        ("modulus", modulus(RSA_PRIVATE)),
        ("nothing", Vec::new()),
    ];
    for (what, secret) in secrets {
        for kid in ["rs", "hs", "hs5"] {
            let header = json!({"alg": "HS256", "kid": kid}).to_string();
            let secret = secret.clone();
            let name = format!("HS256 of {kid} with the public key of RSA: {what}");
            cases.push(case(&name, 401, move || {
                token(&header, &claims().to_string(), with_secret(&secret))
            }));
        }
    }
    let hs512 = |signed: &[u8]| {
        let key = hmac::Key::new(hmac::HMAC_SHA512, SECRET.as_bytes());
        hmac::sign(&key, signed).as_ref().to_vec()
    };
    for (name, expect, header, is_hs512) in [
        ("good by HS512", 101, r#"{"alg":"HS512","kid":"hs5"}"#, true),
        (
            "HS512's key, signed by HS256",
            401,
            r#"{"alg":"HS512","kid":"hs5"}"#,
            false,
        ),
        (
            "HS512's key by the name of HS256",
            401,
            r#"{"alg":"HS256","kid":"hs5"}"#,
            false,
        ),
        (
            "HS512 for the key of HS256",
            401,
            r#"{"alg":"HS512","kid":"hs"}"#,
            true,
        ),
    ] {
        cases.push(case(name, expect, move || {
            let text = claims().to_string();
            if is_hs512 {
                token(header, &text, hs512)
            } else {
                hs256(header, &text)
            }
        }));
    }
    cases
}
