package dev.come.checkpoint;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/** Small model folders for tests. */
final class Fixtures {
    private Fixtures() {
    }

    /** A folder of the golden models, which transformers 5.24 wrote. */
    static Path goldenModel(String name) {
        try {
            return Path.of(Objects.requireNonNull(Fixtures.class.getResource("/golden/models/" + name)).toURI());
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    /** Makes a model folder: a config.json that says little, and model.safetensors with this header and these data. */
    static Path model(Path folder, String header, int dataBytes) throws IOException {
        Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"llama\"}");
        Files.write(folder.resolve("model.safetensors"), safetensors(header, dataBytes));
        return folder;
    }

    /** A safetensors file with this header and that many bytes of data: 0, 1, 2 and so on. */
    static byte[] safetensors(String header, int dataBytes) {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        ByteBuffer file = ByteBuffer.allocate(8 + json.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
        file.putLong(json.length).put(json);
        for (int i = 0; i < dataBytes; i++) {
            file.put((byte) i);
        }
        return file.array();
    }
}
