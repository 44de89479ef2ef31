#include "runner/slurm/stream.hpp"

#include <algorithm>
#include <charconv>

#include "fmt/format.h"
#include "runner/fields.hpp"

namespace sagelet::runner {
namespace {

constexpr std::string_view kMark = "sagelet ";
constexpr std::size_t kPiece = 900;  // with mark, rank and newline below srun's 1024
constexpr std::size_t kLongest = 16u << 20;

template <class W, class Visit>
void word_fields(W& w, Visit& visit) {
  visit("node", w.node);
  visit("address", w.address);
  visit("report", w.report);
  visit("gone", w.gone);
}

template <class O, class Visit>
void order_fields(O& o, Visit& visit) {
  visit("stop", o.stop);
  visit("spec", o.spec);
  visit("leader", o.leader);
  visit("addresses", o.addresses);
}

/// "12+piece" (more comes) or "12.piece" (the last).
struct PieceOf {
  int rank = -1;
  bool last = false;
  std::string_view bytes;
};

std::optional<PieceOf> piece_in(std::string_view line) {
  if (!line.starts_with(kMark)) return std::nullopt;
  line.remove_prefix(kMark.size());
  PieceOf piece;
  const auto read = std::from_chars(line.data(), line.data() + line.size(), piece.rank);
  const auto used = static_cast<std::size_t>(read.ptr - line.data());
  if (read.ec != std::errc() || piece.rank < 0 || used >= line.size()) return std::nullopt;
  if (line[used] != '+' && line[used] != '.') return std::nullopt;
  piece.last = line[used] == '.';
  piece.bytes = line.substr(used + 1);
  return piece;
}

}  // namespace

void Lines::feed(std::string_view bytes, const std::function<void(std::string_view)>& line) {
  while (!bytes.empty()) {
    const auto newline = bytes.find('\n');
    rest_ += bytes.substr(0, newline);
    if (newline == bytes.npos) return;
    bytes.remove_prefix(newline + 1);
    line(rest_);
    rest_.clear();
  }
}

std::string Word::to_lines() const {
  fields::Writer writer;
  word_fields(*this, writer);
  const std::string text = fields::text_of(writer.json);
  std::string lines;
  for (std::size_t at = 0; at < text.size(); at += kPiece)
    lines += fmt::format("{}{}{}{}\n", kMark, rank, at + kPiece < text.size() ? '+' : '.',
                         std::string_view(text).substr(at, kPiece));
  return lines;
}

void Words::feed(std::string_view bytes, const std::function<void(const Word&)>& word,
                 const std::function<void(std::string_view)>& noise) {
  lines_.feed(bytes, [&](std::string_view text) { line(text, word, noise); });
}

void Words::line(std::string_view text, const std::function<void(const Word&)>& word,
                 const std::function<void(std::string_view)>& noise) {
  const auto piece = piece_in(text);
  if (!piece) return noise(text);
  std::string& message = begun_[piece->rank];
  if (message.size() < kLongest) message += piece->bytes;
  if (!piece->last) return;
  Word said{.rank = piece->rank};
  const Status read = fields::parse(message, "a host's word", [&](const nlohmann::json& json) {
    fields::Reader reader{json};
    word_fields(said, reader);
  });
  begun_.erase(piece->rank);
  read ? word(said) : noise(text);
}

std::string StepOrder::to_line() const {
  fields::Writer writer;
  order_fields(*this, writer);
  return fields::text_of(writer.json) + "\n";
}

Result<StepOrder> StepOrder::from_line(std::string_view text) {
  StepOrder order;
  TRY(fields::parse(text, "the leader's order", [&](const nlohmann::json& json) {
    fields::Reader reader{json};
    order_fields(order, reader);
  }));
  return order;
}

}  // namespace sagelet::runner
