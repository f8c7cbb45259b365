// Feature tables and WAV files, for the example.

#ifndef DDSP_TF_FILES_H_
#define DDSP_TF_FILES_H_

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace ddsp {

inline std::vector<std::string> cells(const std::string &line) {
  std::vector<std::string> found;
  std::stringstream stream(line.substr(0, line.find('\r')));
  for (std::string cell; std::getline(stream, cell, ',');) found.push_back(cell);
  return found;
}

// Reads columns of a .csv file as `ddsp-tf features` writes it; returns the rows one after another.
// Cells that are not numbers are NaN, which a model plays as silence.
inline std::vector<float> read_table(const std::string &path, const std::vector<std::string> &names,
                                     double frame_rate) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) throw std::runtime_error(path + ": cannot be read, or is empty");
  const std::vector<std::string> header = cells(line);
  std::vector<size_t> columns;
  for (const std::string &name : names) {
    size_t column = 0;
    while (column < header.size() && header[column] != name) column++;
    if (column == header.size()) throw std::runtime_error(path + ": lacks the column " + name);
    columns.push_back(column);
  }
  std::vector<float> values;
  for (long row = 0; std::getline(file, line) && !line.empty(); row++) {
    const std::vector<std::string> found = cells(line);
    const double time = found.empty() ? 0.0 : std::atof(found[0].c_str());
    if (std::abs(time * frame_rate - row) > 0.1) {
      throw std::runtime_error(path + ": row " + std::to_string(row + 1) + " is at " +
                               std::to_string(time) + " s; expected " +
                               std::to_string(frame_rate) + " rows a second, from 0 s on");
    }
    for (const size_t column : columns) {
      char *end = nullptr;
      const char *text = column < found.size() ? found[column].c_str() : "";
      const float value = std::strtof(text, &end);
      values.push_back(end == text ? NAN : value);
    }
  }
  if (values.empty()) throw std::runtime_error(path + ": has no frames");
  return values;
}

// Reads a mono WAV file of 16-bit integers or 32-bit floats.
inline std::vector<float> read_wav(const std::string &path, int sample_rate) {
  std::ifstream file(path, std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  const auto number = [&content](size_t at, size_t bytes) {
    uint32_t value = 0;
    for (size_t byte = bytes; byte-- > 0;) {
      value = value << 8 | static_cast<unsigned char>(content[at + byte]);
    }
    return value;
  };
  if (content.size() < 12 || content.compare(0, 4, "RIFF") != 0 ||
      content.compare(8, 4, "WAVE") != 0) {
    throw std::runtime_error(path + ": cannot be read, or is not a WAV file");
  }
  uint32_t kind = 0, bits = 0;
  for (size_t at = 12; at + 8 <= content.size(); at += 8 + (number(at + 4, 4) + 1) / 2 * 2) {
    const size_t size = number(at + 4, 4);
    if (at + 8 + size > content.size()) break;
    if (content.compare(at, 4, "fmt ") == 0 && size >= 16) {
      // An extensible format states its kind later.
      kind = number(at + 8, 2) == 0xFFFE && size >= 26 ? number(at + 32, 2) : number(at + 8, 2);
      bits = number(at + 22, 2);
      if (number(at + 10, 2) != 1 || number(at + 12, 4) != static_cast<uint32_t>(sample_rate)) {
        throw std::runtime_error(path + ": expected one channel at " +
                                 std::to_string(sample_rate) + " Hz");
      }
    }
    if (content.compare(at, 4, "data") != 0) continue;
    std::vector<float> audio;
    if (kind == 1 && bits == 16) {
      for (size_t byte = 0; byte + 2 <= size; byte += 2) {
        audio.push_back(static_cast<int16_t>(number(at + 8 + byte, 2)) / 32768.0f);
      }
    } else if (kind == 3 && bits == 32) {
      audio.resize(size / sizeof(float));
      std::memcpy(audio.data(), &content[at + 8], audio.size() * sizeof(float));
    }
    if (audio.empty()) break;
    return audio;
  }
  throw std::runtime_error(path + ": expected samples of 16-bit integers or 32-bit floats");
}

// Writes a mono WAV file of 32-bit floats.
inline void write_wav(const std::string &path, const std::vector<float> &audio, int sample_rate) {
  const uint32_t bytes = static_cast<uint32_t>(audio.size() * sizeof(float));
  const uint32_t rate = sample_rate, header[] = {36 + bytes, 16, 3 | 1 << 16, rate, 4 * rate,
                                                 4 | 32 << 16, bytes};
  const auto *number = reinterpret_cast<const char *>(header);
  std::ofstream file(path, std::ios::binary);
  file.write("RIFF", 4).write(number, 4).write("WAVEfmt ", 8).write(number + 4, 20);
  file.write("data", 4).write(number + 24, 4);
  file.write(reinterpret_cast<const char *>(audio.data()), bytes);
  if (!file.flush()) throw std::runtime_error(path + ": cannot be written");
}

}  // namespace ddsp

#endif
