//! What the compiler says of mistakes in a game's types: `mistakes/*.rs`, each with its message.
//!
//! A message that got better: `TRYBUILD=overwrite cargo nextest run -p downbeat mistakes`, and look
//! at what changed.

#[test]
fn mistakes_are_told_where_they_were_made() {
    let tests = trybuild::TestCases::new();
    tests.compile_fail("tests/mistakes/*.rs");
}
