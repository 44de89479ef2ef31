#include "server/wire/cbor_writer.hpp"

#include <bit>

#include "server/wire/scalars.hpp"

namespace sagelet::wire {
namespace {

constexpr char kMapStart = '\xbf', kListStart = '\x9f', kEnd = '\xff';
constexpr char kEpochTag = '\xc1', kDouble = '\xfb';
constexpr unsigned kNegative = 1, kBytes = 2, kText = 3;

void append_bytes(std::string& out, std::uint64_t number, int count) {
  for (int shift = 8 * (count - 1); shift >= 0; shift -= 8) out += static_cast<char>(number >> shift);
}

/// An initial byte of the major type with its number, as short as it goes.
void append_head(std::string& out, unsigned major, std::uint64_t number) {
  const unsigned kind = major << 5;
  if (number < 24) {
    out += static_cast<char>(kind | number);
  } else if (number <= 0xff) {
    out += static_cast<char>(kind | 24);
    append_bytes(out, number, 1);
  } else if (number <= 0xffff) {
    out += static_cast<char>(kind | 25);
    append_bytes(out, number, 2);
  } else if (number <= 0xffffffff) {
    out += static_cast<char>(kind | 26);
    append_bytes(out, number, 4);
  } else {
    out += static_cast<char>(kind | 27);
    append_bytes(out, number, 8);
  }
}

void append_whole(std::string& out, std::int64_t value) {
  if (value >= 0) return append_head(out, 0, static_cast<std::uint64_t>(value));
  append_head(out, kNegative, static_cast<std::uint64_t>(-(value + 1)));
}

void append_double(std::string& out, double value) {
  out += kDouble;
  append_bytes(out, std::bit_cast<std::uint64_t>(value), 8);
}

}  // namespace

void append_cbor_text(std::string& out, std::string_view text) {
  std::string valid;
  if (!is_utf8(text)) {
    append_utf8(valid, text);
    text = valid;
  }
  append_head(out, kText, text.size());
  out += text;
}

CborWriter::CborWriter(std::string& out, const model::Shape* root) : out_(out) {
  out_ += kMapStart;
  frames_.push_back({.shape = root, .list = false});
}

const model::Shape* CborWriter::next() const {
  const Frame& top = frames_.back();
  if (top.shape == nullptr) return nullptr;
  if (top.shape->kind != model::Kind::kStructure)
    return top.shape->element == nullptr ? nullptr : top.shape->element->shape;
  return member_ == nullptr ? nullptr : member_->shape;
}

void CborWriter::member(std::string_view name) {
  const model::Shape* shape = frames_.back().shape;
  const bool structure = shape != nullptr && shape->kind == model::Kind::kStructure;
  member_ = structure ? shape->find(name) : nullptr;
  append_cbor_text(out_, member_ == nullptr ? name : member_->key());
}

void CborWriter::open(bool list) {
  const model::Shape* shape = next();
  out_ += list ? kListStart : kMapStart;
  frames_.push_back({.shape = shape, .list = list});
  member_ = nullptr;
}

void CborWriter::close() {
  out_ += kEnd;
  frames_.pop_back();
}

void CborWriter::text(std::string_view value) {
  const model::Shape* shape = next();
  if (shape == nullptr || shape->kind != model::Kind::kBlob) return append_cbor_text(out_, value);
  append_head(out_, kBytes, value.size());
  out_ += value;
}

void CborWriter::integer(std::int64_t value) {
  const model::Shape* shape = next();
  const bool real_shape =
      shape != nullptr && (shape->kind == model::Kind::kDouble || shape->kind == model::Kind::kFloat);
  if (real_shape) return append_double(out_, static_cast<double>(value));
  append_whole(out_, value);
}

void CborWriter::real(double value) {
  append_double(out_, value);
}

void CborWriter::boolean(bool value) {
  out_ += value ? '\xf5' : '\xf4';
}

void CborWriter::time(WallTime value) {
  out_ += kEpochTag;
  append_double(out_, to_epoch_seconds(value));
}

}  // namespace sagelet::wire
