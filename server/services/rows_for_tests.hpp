#pragma once
// For tests only.
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "server/model/call.hpp"
#include "server/model/writer.hpp"

namespace sagelet {

/// Rows as a document, so that tests read every answer in one way.
class RowsReader final : public model::Writer {
 public:
  RowsReader() { open_.push_back(&root_); }
  Document take() { return std::move(root_); }

  void member(std::string_view name) override { name_ = name; }
  void begin_structure() override { open_.push_back(&put(Document::object())); }
  void end_structure() override { open_.pop_back(); }
  void begin_list() override { open_.push_back(&put(Document::array())); }
  void end_list() override { open_.pop_back(); }
  void text(std::string_view value) override { put(std::string(value)); }
  void integer(std::int64_t value) override { put(value); }
  void real(double value) override { put(value); }
  void boolean(bool value) override { put(value); }
  void time(WallTime value) override { put(to_epoch_seconds(value)); }

 private:
  Document& put(Document value) {
    Document& top = *open_.back();
    if (top.is_array()) {
      top.push_back(std::move(value));
      return top.back();
    }
    return top[name_] = std::move(value);
  }

  Document root_ = Document::object();
  std::vector<Document*> open_;
  std::string name_;
};

}  // namespace sagelet
