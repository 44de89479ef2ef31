#pragma once
// Values as they come from a parser, put into a Document by shape: the one check that JSON and CBOR bodies
// share.
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nlohmann/json.hpp"
#include "server/model/call.hpp"
#include "server/model/shapes.hpp"

namespace sagelet::wire {

/// Receives the parser's events and builds the Document. Pointers in `open_` stay good: a container that is
/// open has nothing added to it but the value that is being built.
class ShapeBuilder {
 public:
  ShapeBuilder(const model::Shape& shape, bool body_only) : root_shape_(shape), body_only_(body_only) {}

  Reply<Document> result() {
    if (!complaint_.empty()) return api::Error::make("SerializationException", std::move(complaint_));
    return std::move(root_);
  }

  bool null() {
    if (skipping_ > 0 || open_.empty()) return true;
    Frame& top = open_.back();
    if (top.free || top.value->is_array()) *slot() = nullptr;
    return true;
  }
  bool boolean(bool value) {
    const auto place = next();
    if (place.ignore) return true;
    if (!place.free && place.shape->kind != model::Kind::kBoolean)
      return mismatch(value ? "TRUE_VALUE" : "FALSE_VALUE", place);
    *slot() = value;
    return true;
  }
  bool number_integer(std::int64_t value);
  bool number_unsigned(std::uint64_t value);
  bool number_float(double value, const std::string&) { return real(value, true); }
  bool string(std::string& value);
  bool binary(nlohmann::json::binary_t& bytes);  ///< CBOR alone has them

  bool start_object(std::size_t) { return start(nlohmann::json::object(), "Start of structure or map"); }
  bool start_array(std::size_t) { return start(nlohmann::json::array(), "Start of list"); }
  bool end_object() { return end(); }
  bool end_array() { return end(); }
  bool key(std::string& name);

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& problem) {
    const std::string_view what = problem.what();
    const auto detail = what.find(": ");
    return complain("The request body is not valid JSON, at byte " + std::to_string(position) +
                    (detail == what.npos ? "" : std::string(what.substr(detail))));
  }

 private:
  struct Frame {
    const model::Shape* shape;  ///< null in a free document
    nlohmann::json* value;
    bool free = false;  ///< anything goes
    const model::Member* member =
        nullptr;           ///< structures: the member whose value comes next; null = not in the model
    std::string key = {};  ///< maps and free objects: the key whose value comes next
  };
  struct Place {
    const model::Shape* shape = nullptr;
    bool free = false;
    bool ignore = false;
  };

  /// What the next value must be.
  Place next() const {
    if (skipping_ > 0) return {.ignore = true};
    if (open_.empty()) return of(&root_shape_);
    const Frame& top = open_.back();
    if (top.free) return {.free = true};
    if (top.shape->kind != model::Kind::kStructure) return of(top.shape->element->shape);
    if (top.member == nullptr) return {.ignore = true};
    return of(top.member->shape);
  }
  static Place of(const model::Shape* shape) { return {.shape = shape, .free = shape->document_type}; }

  nlohmann::json* slot() {
    if (open_.empty()) return &root_;
    Frame& top = open_.back();
    if (top.value->is_array()) return &top.value->emplace_back(nullptr);
    if (top.member != nullptr) return &(*top.value)[std::string(top.member->name)];
    return &(*top.value)[top.key];
  }

  template <class Exact>
  bool whole(std::int64_t value, Exact exact);
  bool real(double value, bool was_real);
  bool start(nlohmann::json empty, std::string_view what);
  bool end();
  bool text_for(const Place& place, std::string& value);

  bool complain(std::string text) {
    complaint_ = std::move(text);
    return false;
  }
  std::string where() const;
  bool mismatch(std::string_view token, const Place& place);

  const model::Shape& root_shape_;
  const bool body_only_;
  nlohmann::json root_ = nlohmann::json::object();
  std::vector<Frame> open_;
  std::size_t skipping_ = 0;  ///< containers open inside a value that is passed over
  std::string complaint_;
};

}  // namespace sagelet::wire
