//! Tokens that other sites sign, so that a Django project keeps its own login.
//!
//! In: keys of the configuration, and JWTs. Out: users. A key is for one algorithm, which the
//! token has no say in; everything that a token must have is of the right type, or it is refused.
//! The verification is ring's; there is no `none`, and no key is taken from a token.
//! Source: RFC 7519, RFC 7515, RFC 8725.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use downbeat::UserId;
use ring::{hmac, signature};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};
use serde_json::{Number, Value};

use crate::config::{JwtAlgorithm, JwtConfig, Secret};
use crate::gate::scope::{User, UserKind};
use crate::gate::sessions::now_s;
use crate::gate::token::Digest;
use crate::limits::{JWT_BYTES_MAX, JWT_LASTS_S_MAX, JWT_LEEWAY_S, REVOKED_MAX};

/// Why a key of the configuration is of no use.
#[derive(Debug, thiserror::Error)]
pub enum BadJwtKey {
    /// Something must be said.
    #[error("jwt.{name}.{key} must be said")]
    Missing {
        /// The section.
        name: String,
        /// The key.
        key: &'static str,
    },
    /// The file cannot be read.
    #[error("jwt.{name}.key_file: {error}")]
    File {
        /// The section.
        name: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// It is no key of that algorithm.
    #[error("jwt.{name}.key: expected {expected} for {algorithm}")]
    Key {
        /// The section.
        name: String,
        /// Its algorithm.
        algorithm: &'static str,
        /// What it needs.
        expected: &'static str,
    },
    /// That claim is no name.
    #[error("jwt.{name}.name_claim: {claim:?} names nobody; expected sub, or a claim of your own")]
    NameClaim {
        /// The section.
        name: String,
        /// The claim.
        claim: String,
    },
    /// Two sections are for the same tokens.
    #[error("jwt.{name}.kid: another section has {kid:?} too")]
    Twice {
        /// The section.
        name: String,
        /// The kid.
        kid: String,
    },
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Flaw {
    #[error("too long")]
    TooLong,
    #[error("no JWT of three parts")]
    Shape,
    #[error("bad header")]
    Header,
    #[error("critical extensions are not understood")]
    Critical,
    #[error("unknown kid")]
    UnknownKey,
    #[error("another algorithm than its key's")]
    Algorithm,
    #[error("bad signature")]
    Signature,
    #[error("a claim is missing or of the wrong type")]
    Claims,
    #[error("good for more than a day")]
    LastsTooLong,
    #[error("expired")]
    Expired,
    #[error("not valid yet")]
    TooEarly,
    #[error("another issuer")]
    Issuer,
    #[error("another audience")]
    Audience,
}

/// Verifies tokens with the keys that there are.
#[derive(Default)]
pub(crate) struct Verifier {
    by_kid: BTreeMap<String, Key>,
}

struct Key {
    name: String,
    algorithm: JwtAlgorithm,
    material: Material,
    issuer: String,
    audience: String,
    name_claim: Option<String>,
}

enum Material {
    Shared(hmac::Key),
    Public(signature::UnparsedPublicKey<Vec<u8>>),
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
    #[serde(default, deserialize_with = "is_there")]
    crit: bool,
    #[serde(default, deserialize_with = "is_there")]
    b64: bool,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: Number,
    iat: Number,
    #[serde(default, deserialize_with = "some")]
    nbf: Option<Number>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Also `null` is there.
fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// What is there must be good: `null` is not.
fn some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Number>, D::Error> {
    Number::deserialize(deserializer).map(Some)
}

impl Verifier {
    /// Reads all keys.
    pub(crate) fn new(sections: &BTreeMap<String, JwtConfig>) -> Result<Self, BadJwtKey> {
        let mut by_kid = BTreeMap::new();
        for (name, config) in sections {
            let kid = config.kid.clone().unwrap_or_else(|| name.clone());
            let key = Key::new(name, config)?;
            if by_kid.insert(kid.clone(), key).is_some() {
                let name = name.clone();
                return Err(BadJwtKey::Twice { name, kid });
            }
        }
        Ok(Self { by_kid })
    }

    /// Whom a token stands for, and since when.
    pub(crate) fn verify(&self, token: &str, now_s: i64) -> Result<(User, i64), Flaw> {
        if token.len() > JWT_BYTES_MAX {
            return Err(Flaw::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Flaw::Shape)?;
        let (header, claims) = signed.split_once('.').ok_or(Flaw::Shape)?;
        if claims.contains('.') {
            return Err(Flaw::Shape);
        }
        let decode = |part| URL_SAFE_NO_PAD.decode(part).map_err(|_| Flaw::Shape);
        let (header, claims, signature) = (decode(header)?, decode(claims)?, decode(signature)?);
        if !header.starts_with(b"{") {
            return Err(Flaw::Header); // a list of the right length would do for serde
        }
        let header: Header = serde_json::from_slice(&header).map_err(|_| Flaw::Header)?;
        if header.crit || header.b64 {
            return Err(Flaw::Critical);
        }
        let key = self.by_kid.get(&header.kid).ok_or(Flaw::UnknownKey)?;
        if header.alg != key.algorithm.name() {
            return Err(Flaw::Algorithm);
        }
        if !key.material.verifies(signed.as_bytes(), &signature) {
            return Err(Flaw::Signature);
        }
        let claims: Claims = serde_json::from_slice(&claims).map_err(|_| Flaw::Claims)?;
        key.check(&claims, now_s)
    }
}

impl Key {
    fn new(name: &str, config: &JwtConfig) -> Result<Self, BadJwtKey> {
        let missing = |key| BadJwtKey::Missing {
            name: name.to_owned(),
            key,
        };
        let algorithm = config.algorithm.ok_or_else(|| missing("algorithm"))?;
        let text = match (&config.key, &config.key_file) {
            (Some(key), _) => key.clone(),
            (None, Some(file)) => {
                let text = std::fs::read_to_string(file).map_err(|error| BadJwtKey::File {
                    name: name.to_owned(),
                    error,
                })?;
                Secret::new(text.trim_end_matches(['\r', '\n']).to_owned())
            }
            (None, None) => return Err(missing("key")),
        };
        if let Some(claim) = &config.name_claim
            && ["iss", "aud", "exp", "iat", "nbf"].contains(&claim.as_str())
        {
            let (name, claim) = (name.to_owned(), claim.clone());
            return Err(BadJwtKey::NameClaim { name, claim });
        }
        let material = Material::new(algorithm, text.reveal());
        Ok(Self {
            name: name.to_owned(),
            algorithm,
            material: material.map_err(|expected| BadJwtKey::Key {
                name: name.to_owned(),
                algorithm: algorithm.name(),
                expected,
            })?,
            issuer: config.issuer.clone().ok_or_else(|| missing("issuer"))?,
            audience: config.audience.clone().ok_or_else(|| missing("audience"))?,
            name_claim: config.name_claim.clone(),
        })
    }

    fn check(&self, claims: &Claims, now_s: i64) -> Result<(User, i64), Flaw> {
        let seconds = |number: &Number| seconds(number).ok_or(Flaw::Claims);
        let issued_at_s = seconds(&claims.iat)?;
        let expires_at_s = seconds(&claims.exp)?;
        if expires_at_s <= now_s - JWT_LEEWAY_S {
            return Err(Flaw::Expired);
        }
        if expires_at_s.saturating_sub(issued_at_s) > JWT_LASTS_S_MAX {
            return Err(Flaw::LastsTooLong);
        }
        let not_before = claims.nbf.as_ref().map(seconds).transpose()?;
        let from = not_before.unwrap_or(issued_at_s).max(issued_at_s);
        if from > now_s + JWT_LEEWAY_S {
            return Err(Flaw::TooEarly);
        }
        if claims.iss != self.issuer {
            return Err(Flaw::Issuer);
        }
        let for_us = match &claims.aud {
            Audience::One(audience) => *audience == self.audience,
            Audience::Many(audiences) => audiences.contains(&self.audience),
        };
        if !for_us {
            return Err(Flaw::Audience);
        }
        if claims.sub.is_empty() {
            return Err(Flaw::Claims);
        }
        let named = match self.name_claim.as_deref() {
            Some("sub") => Some(claims.sub.as_str()),
            Some(claim) => claims.others.get(claim).and_then(Value::as_str),
            None => None,
        };
        let user = User {
            id: id_of(&self.name, &claims.sub),
            name: named.unwrap_or("").to_owned(),
            kind: UserKind::External,
        };
        Ok((user, issued_at_s))
    }
}

impl Material {
    /// Reads a key, or answers what it should have been.
    fn new(algorithm: JwtAlgorithm, text: &str) -> Result<Self, &'static str> {
        use JwtAlgorithm as A;
        // Source: RFC 7518 § 3.2: a secret is as long as the digest.
        let shared = |algorithm, min: usize, expected| {
            // A public key as a secret is how tokens are forged.
            let good = text.len() >= min && !text.contains("-----BEGIN");
            let key = || Self::Shared(hmac::Key::new(algorithm, text.as_bytes()));
            good.then(key).ok_or(expected)
        };
        let public = |parameters, oids: &[&[u8]], is_whole: fn(&[u8]) -> bool, expected| {
            let key = public_key(text, oids).filter(|key| is_whole(key));
            let key = key.ok_or(expected)?;
            let key = signature::UnparsedPublicKey::new(parameters, key);
            Ok(Self::Public(key))
        };
        match algorithm {
            A::Hs256 => shared(hmac::HMAC_SHA256, 32, "a secret of at least 32 bytes"),
            A::Hs384 => shared(hmac::HMAC_SHA384, 48, "a secret of at least 48 bytes"),
            A::Hs512 => shared(hmac::HMAC_SHA512, 64, "a secret of at least 64 bytes"),
            A::Rs256 => public(
                &signature::RSA_PKCS1_2048_8192_SHA256 as &dyn signature::VerificationAlgorithm,
                &[OID_RSA],
                is_whole_rsa,
                "a public RSA key of 2048 to 8192 bits in PEM",
            ),
            A::Es256 => public(
                &signature::ECDSA_P256_SHA256_FIXED,
                &[OID_EC, OID_P256],
                |key| key.len() == 65 && key.starts_with(&[4]), // both coordinates
                "a public P-256 key in PEM",
            ),
            A::EdDsa => public(
                &signature::ED25519,
                &[OID_ED25519],
                |key| key.len() == 32,
                "a public Ed25519 key in PEM",
            ),
        }
    }

    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Shared(key) => hmac::verify(key, message, signature).is_ok(),
            Self::Public(key) => key.verify(message, signature).is_ok(),
        }
    }
}

const OID_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const OID_EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const OID_P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const OID_ED25519: &[u8] = &[0x2b, 0x65, 0x70];

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;

/// Whether ring takes it: a modulus of 2048 to 8192 bits, an exponent, and nothing behind them.
/// Source: RFC 8017 § A.1.1.
fn is_whole_rsa(key: &[u8]) -> bool {
    let numbers = element(SEQUENCE, key).filter(|(_, rest)| rest.is_empty());
    let numbers = numbers.and_then(|(numbers, _)| {
        let (modulus, rest) = element(INTEGER, numbers)?;
        let (exponent, rest) = element(INTEGER, rest)?;
        rest.is_empty().then_some((modulus, exponent))
    });
    numbers.is_some_and(|(modulus, exponent)| {
        // A zero keeps a number positive whose first bit is set.
        let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus);
        let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
        (256..=1024).contains(&modulus.len()) && is_odd(modulus) && is_odd(exponent)
    })
}

/// The key within a PEM of a `SubjectPublicKeyInfo`, if it is of this kind. Source: RFC 5280 § 4.1.
fn public_key(pem: &str, oids: &[&[u8]]) -> Option<Vec<u8>> {
    const OID: u8 = 0x06;
    const BITS: u8 = 0x03;
    let der = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).ok()?;
    let (info, rest) = element(SEQUENCE, &der)?;
    let (mut algorithm, bits) = element(SEQUENCE, info)?;
    for oid in oids {
        let (found, after) = element(OID, algorithm)?;
        if found != *oid {
            return None;
        }
        algorithm = after;
    }
    let (bits, after) = element(BITS, bits)?;
    let key = bits.strip_prefix(&[0])?; // no bits unused
    (rest.is_empty() && after.is_empty() && !key.is_empty()).then(|| key.to_vec())
}

/// The contents of the first element of DER, and what follows it.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[found, length], mut rest) = der.split_first_chunk()?;
    let mut length = usize::from(length);
    if length >= 0x80 {
        let bytes = length & 0x7f;
        if bytes > 2 {
            return None; // no key is that long
        }
        let (digits, after) = rest.split_at_checked(bytes)?;
        length = digits
            .iter()
            .fold(0, |n, &digit| n << 8 | usize::from(digit));
        rest = after;
    }
    (found == tag).then(|| rest.split_at_checked(length))?
}

/// Source: RFC 7519 § 2, NumericDate. Units: seconds since 1970.
fn seconds(number: &Number) -> Option<i64> {
    const FAR: f64 = 1e12;
    number.as_i64().or_else(|| {
        let seconds = number.as_f64().filter(|seconds| seconds.abs() < FAR)?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "in range, and whole after floor"
        )]
        Some(seconds.floor() as i64)
    })
}

/// What a subject of another site is called here: `NAME_sub`, so that the other site knows it too;
/// of a subject that is too long or has other characters, its digest.
fn id_of(name: &str, sub: &str) -> UserId {
    const DIGEST: &str = "h-";
    let plain = (!sub.starts_with(DIGEST)).then(|| UserId::new(&format!("{name}_{sub}")).ok());
    plain.flatten().unwrap_or_else(|| {
        let digest = URL_SAFE_NO_PAD.encode(Digest::of(sub).0);
        let id = UserId::new(&format!("{name}_{DIGEST}{digest}"));
        id.expect("a section's name has at most 16 characters")
    })
}

/// Users whose tokens up to a moment are worth nothing, in this process.
#[derive(Default)]
pub(crate) struct Revoked(Mutex<BTreeMap<UserId, i64>>);

impl Revoked {
    pub(crate) fn revoke(&self, user: &UserId) {
        /// After that none of those tokens is good anyway, whatever the other site's clock says.
        const KEPT_S: i64 = JWT_LASTS_S_MAX + 2 * JWT_LEEWAY_S;
        let now = now_s();
        let mut revoked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if revoked.len() >= REVOKED_MAX && !revoked.contains_key(user) {
            revoked.retain(|_, at| *at + KEPT_S > now);
            let oldest = revoked.iter().min_by_key(|(_, at)| **at);
            let oldest = oldest.filter(|_| revoked.len() >= REVOKED_MAX);
            if let Some(oldest) = oldest.map(|(user, _)| user.clone()) {
                revoked.remove(&oldest);
            }
        }
        revoked.insert(user.clone(), now);
    }

    pub(crate) fn includes(&self, user: &UserId, issued_at_s: i64) -> bool {
        let revoked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The other site's clock may be ahead.
        let last = |at: &i64| *at + JWT_LEEWAY_S;
        revoked.get(user).is_some_and(|at| issued_at_s <= last(at))
    }
}

#[cfg(test)]
mod tests;
