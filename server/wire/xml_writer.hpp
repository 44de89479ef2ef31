#pragma once
// XML by shape, straight into a string: rest-xml and query answers.
#include <string>
#include <string_view>
#include <vector>

#include "server/model/shapes.hpp"
#include "server/model/writer.hpp"

namespace sagelet::wire {

/// Markup and control characters become references; what XML cannot hold at all (no UTF-8) becomes U+FFFD.
void append_xml_text(std::string& out, std::string_view text);
void append_xml_element(std::string& out, std::string_view name, std::string_view text);

/// Writes the members of a structure whose start tag is written already, perhaps without its '>': attributes
/// come first, so attribute members must be given before the others. Names given to member() must live until
/// their value is complete (they are literals or the model's). finish() ends a start tag that is still open.
class XmlWriter final : public model::Writer {
 public:
  /// `tag_open`: the root's start tag still lacks its '>'.
  XmlWriter(std::string& out, const model::Shape* root, bool tag_open);
  void member(std::string_view name) override;
  void begin_structure() override;
  void end_structure() override;
  void begin_list() override;
  void end_list() override { end_structure(); }
  void text(std::string_view value) override;
  void integer(std::int64_t value) override;
  void real(double value) override;
  void boolean(bool value) override;
  void time(WallTime value) override;
  void finish() { end_tag(); }

 private:
  struct Frame {
    const model::Shape* shape = nullptr;
    std::string_view element;  ///< its own element; "" when it has none (root, flattened)
    std::string_view item;     ///< the element of a list's item or a map's entry
    bool entry_open = false;
    std::size_t hint = 0;  ///< where the next member probably is
  };

  bool in_list() const;
  /// A list's value has no member() call: its name is the list's.
  void name_item();
  Frame& open(std::string_view element);
  void begin_entry(Frame& map, std::string_view key);
  void end_entry(Frame& map);
  void start_tag(std::string_view element);
  void end_tag();
  /// Writes the scalar; `escaped` is markup-free already.
  void put(std::string_view escaped);

  std::string& out_;
  std::vector<Frame> frames_;
  std::string_view element_;               ///< what the next value is called
  const model::Member* member_ = nullptr;  ///< and what the model says of it; null: not in the model
  std::string scratch_;
  bool tag_open_;
};

/// Without an element around the items.
bool is_flattened(const model::Member& member);

}  // namespace sagelet::wire
