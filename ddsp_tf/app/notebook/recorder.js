async (seconds) => {
  const box = document.createElement("p");
  const status = document.createElement("span");
  const button = document.createElement("button");
  button.textContent = "Stop";
  box.append(status, " ", button);
  document.body.append(box);
  status.textContent = "The browser asks for the microphone ...";

  const encoded = (samples) => {
    const bytes = new Uint8Array(samples.buffer);
    let text = "";
    for (let start = 0; start < bytes.length; start += 8192) {
      text += String.fromCharCode(...bytes.subarray(start, start + 8192));
    }
    return btoa(text);
  };

  let stream;
  try {
    // Made for speech, these change the level and the tone of an instrument.
    const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    stream = await navigator.mediaDevices.getUserMedia({ audio: plain });
    const recorder = new MediaRecorder(stream);
    const parts = [];
    recorder.ondataavailable = (event) => parts.push(event.data);
    const stopped = new Promise((resolve) => { recorder.onstop = resolve; });
    const stop = () => { if (recorder.state !== "inactive") recorder.stop(); };
    button.onclick = stop;
    recorder.start();

    const end = performance.now() + 1000 * seconds;
    const clock = setInterval(() => {
      const left = Math.max(0, (end - performance.now()) / 1000);
      status.textContent = `Recording, ${left.toFixed(1)} s left`;
      if (left === 0) stop();
    }, 100);
    await stopped;
    clearInterval(clock);
    status.textContent = "Recorded.";

    const context = new AudioContext();
    const buffer = await context.decodeAudioData(await new Blob(parts).arrayBuffer());
    const samples = new Int16Array(buffer.length);
    const channels = Array.from(
      { length: buffer.numberOfChannels }, (_, number) => buffer.getChannelData(number));
    for (let n = 0; n < buffer.length; n += 1) {
      const sum = channels.reduce((total, channel) => total + channel[n], 0);
      const value = Math.max(-1, Math.min(1, sum / channels.length));
      samples[n] = Math.round(32767 * value);
    }
    context.close();
    return JSON.stringify({ sample_rate: buffer.sampleRate, samples: encoded(samples) });
  } catch (error) {
    status.textContent = `No recording: ${error.message}`;
    return JSON.stringify({ error: error.message });
  } finally {
    if (stream) stream.getTracks().forEach((track) => track.stop());
    button.remove();
  }
}
