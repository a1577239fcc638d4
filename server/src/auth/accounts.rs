//! Accounts: made, logged in to, banned. What may be tried how often is decided here.

use axum::http::StatusCode;

use crate::admission::Address;
use crate::auth::answer::ApiError;
use crate::auth::passwords::Passwords;
use crate::blocking::Blocking;
use crate::config::Config;
use crate::gate::rates::Rate;
use crate::gate::scope::User;
use crate::gate::sessions::{NewAccount, account_of};
use crate::limits::{LOGINS_PER_ACCOUNT_WITHIN, PASSWORD_BYTES, PER_ADDRESS_WITHIN};
use crate::names::{account_name, fold};
use crate::store::{Account, Store, StoreError};

/// All accounts, and who tries to get into them.
pub(crate) struct Accounts {
    store: Store,
    passwords: Passwords,
    per_account: Rate<String>,
    per_address: Rate<Address>,
    guests: Rate<Address>,
}

const WRONG_LOGIN: ApiError = ApiError::new(
    StatusCode::UNAUTHORIZED,
    "wrong_login",
    "no account has this name and password",
);
const BANNED: ApiError = ApiError::new(StatusCode::FORBIDDEN, "banned", "this account is closed");
const BAD_NAME: ApiError = ApiError::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "name",
    "a name has 1-24 characters that can be seen, of one alphabet, and is no guest's",
);
const BAD_PASSWORD: ApiError = ApiError::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "password",
    "a password has 8-1024 bytes",
);
const NO_ACCOUNT: ApiError = ApiError::new(
    StatusCode::FORBIDDEN,
    "no_account",
    "this is for those who have an account here",
);

impl Accounts {
    pub(crate) fn new(config: &Config, store: Store, blocking: Blocking) -> Self {
        let gate = &config.gate;
        Self {
            store,
            passwords: Passwords::new(blocking),
            per_account: Rate::new(Some(gate.logins_per_account), LOGINS_PER_ACCOUNT_WITHIN),
            per_address: Rate::new(config.logins_per_address(), PER_ADDRESS_WITHIN),
            guests: Rate::new(config.guests_per_address(), PER_ADDRESS_WITHIN),
        }
    }

    /// Whether one more guest may come from here.
    pub(crate) fn admit_guest(&self, from: Address) -> Result<(), ApiError> {
        Ok(self.guests.attempt(&from)?)
    }

    /// What is to be kept of an account that somebody may make.
    pub(crate) async fn new_account(
        &self,
        from: Address,
        name: &str,
        password: String,
    ) -> Result<NewAccount, ApiError> {
        let name = account_name(name).ok_or(BAD_NAME)?;
        check_password(&password)?;
        self.per_address.attempt(&from)?;
        let key = fold(&name);
        // Looked up first, since a hash takes far longer than a look.
        if self.store.account_by_name(&key).await?.is_some() {
            return Err(StoreError::NameTaken.into());
        }
        let hash = self.passwords.hash(password).await?;
        Ok(NewAccount { name, key, hash })
    }

    /// The account of who knows its password.
    pub(crate) async fn log_in(
        &self,
        from: Address,
        name: &str,
        password: String,
    ) -> Result<Account, ApiError> {
        self.per_address.attempt(&from)?;
        // What cannot be a name is not remembered as one.
        let key = account_name(name)
            .map(|name| fold(&name))
            .ok_or(WRONG_LOGIN)?;
        self.per_account.attempt(&key)?;
        let account = self.store.account_by_name(&key).await?;
        let stored = account.as_ref().map(|account| &*account.password_hash);
        let verified = self.passwords.verify(password, stored).await?;
        let account = account.filter(|_| verified).ok_or(WRONG_LOGIN)?;
        if account.banned {
            return Err(BANNED);
        }
        Ok(account)
    }

    /// Whether a password with which a session has begun is still the account's: a new one, or a
    /// ban, ends the sessions of before, and may have come before this one was among them.
    pub(crate) async fn recheck(&self, logged_in: &Account) -> Result<(), ApiError> {
        let account = self.store.account(logged_in.id).await?;
        let account = account.filter(|now| now.password_hash == logged_in.password_hash);
        match account {
            Some(account) if account.banned => Err(BANNED),
            Some(_) => Ok(()),
            None => Err(WRONG_LOGIN),
        }
    }

    /// What is to be kept of the new password of who knows the old one, and for which account.
    pub(crate) async fn new_password(
        &self,
        user: &User,
        old: String,
        new: String,
    ) -> Result<(u64, String), ApiError> {
        let id = account_of(user).ok_or(NO_ACCOUNT)?;
        check_password(&new)?;
        self.per_account.attempt(&fold(&user.name))?;
        let account = self.store.account(id).await?;
        let stored = account.as_ref().map(|account| &*account.password_hash);
        if !self.passwords.verify(old, stored).await? {
            return Err(WRONG_LOGIN);
        }
        Ok((id, self.passwords.hash(new).await?))
    }
}

fn check_password(password: &str) -> Result<(), ApiError> {
    if PASSWORD_BYTES.contains(&password.len()) {
        Ok(())
    } else {
        Err(BAD_PASSWORD)
    }
}
