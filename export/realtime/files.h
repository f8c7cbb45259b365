// Feature tables and WAV files, for the example.

#ifndef DDSP_TF_FILES_H_
#define DDSP_TF_FILES_H_

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
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
