#pragma once
// JSON by shape, straight into a string.
#include <string>
#include <string_view>
#include <vector>

#include "server/model/shapes.hpp"
#include "server/model/writer.hpp"

namespace sagelet::wire {

/// Quoted and escaped; bytes that are no UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

/// Members that the shape does not have are written under the name they were given. finish() closes the
/// structure.
class JsonWriter final : public model::Writer {
 public:
  JsonWriter(std::string& out, const model::Shape* root);
  void member(std::string_view name) override;
  void begin_structure() override { open('{', '}'); }
  void end_structure() override { close(); }
  void begin_list() override { open('[', ']'); }
  void end_list() override { close(); }
  void text(std::string_view value) override;
  void integer(std::int64_t value) override;
  void real(double value) override;
  void boolean(bool value) override;
  void time(WallTime value) override;
  /// A null item of a list.
  void null();
  /// JSON text that is complete already: a document value.
  void raw(std::string_view json);
  void finish() { close(); }

 private:
  struct Frame {
    const model::Shape* shape;
    char end;
    bool empty = true;
    std::size_t hint = 0;  ///< where the next member probably is
  };
  void open(char begin, char end);
  void close();
  /// Puts the comma in front of a list's item and gives the shape of the value that follows.
  const model::Shape* before_value();

  std::string& out_;
  std::vector<Frame> frames_;
  const model::Member* member_ = nullptr;
};

}  // namespace sagelet::wire
