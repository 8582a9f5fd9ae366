//! The program from outside, and the library against slow oracles: a module a subject.

#![allow(clippy::unwrap_used)] // a test that can't go on fails
#![allow(clippy::unreadable_literal)] // figures as they were published
#![allow(clippy::format_collect)] // files are made of lines

mod align;
mod ci;
mod class_axes;
mod class_names;
mod class_probabilities;
mod compare;
mod compare_order;
mod compare_relation;
mod compare_results;
mod compare_tolerance;
mod decode;
mod decode_alignment;
mod decode_beam;
mod decode_beam_extreme;
mod decode_fixture;
mod decode_greedy;
mod decode_published;
mod decode_scorer;
mod docs;
mod eval;
mod fixtures;
mod gradient;
mod gradient_files;
mod gradient_of_zeros;
mod guess;
mod hints;
mod hints_of_files;
mod hostile;
mod hostile_process;
mod input;
mod inspect;
mod inspect_labels;
mod inspect_rows;
mod kernels;
mod library;
mod lm;
mod lm_alphabet;
mod lm_cli;
mod lm_fusion;
mod loss;
mod loss_rounds;
mod loss_short_items;
mod messages;
mod metrics_edit_distance;
mod mistakes;
mod mistakes_in_files;
mod nonfinite;
mod options;
mod oracle;
mod oracle_beam;
mod oracle_edit_distance;
mod oracle_fusion;
mod other_names;
mod output;
mod properties;
mod published;
mod random;
mod reference;
mod support;
mod tune;
mod warnings_at_limits;
mod wrong_numbers;
