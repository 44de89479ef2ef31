#pragma once
// What a snapshot's entries may be called, and the list of their digests at its end.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace sagelet::upkeep {

constexpr std::string_view kHeading = "sagelet-snapshot";
constexpr std::string_view kDigests = "digests";
constexpr int kFormat = 1;

/// Where the bytes of an entry go, below the data folder; made of what the name means, never of the name.
/// nullopt: no snapshot has such an entry.
std::optional<std::filesystem::path> place_of_entry(std::string_view name);

/// A line of the list.
std::string digest_line(std::string_view name, std::uint64_t size, std::string_view raw_sha256);

/// The heading's text, and whether a heading is one that we can read: empty, or why not.
std::string heading();
std::string heading_problem(std::string_view text);

/// The first name whose line is not the same in both lists; empty when they are the same.
std::string first_difference(std::string_view written, std::string_view found);

}  // namespace sagelet::upkeep
