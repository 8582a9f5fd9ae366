//! `ctctool decode` with language models, lexicons and hotwords, and `ctctool tune`, by their contract.

use predicates::prelude::*;
use serde_json::Value;

use crate::support::{Folder, ctctool, json, number, repository};
