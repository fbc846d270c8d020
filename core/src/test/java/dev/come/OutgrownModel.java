package dev.come;

import dev.come.checkpoint.ConfigTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The golden model llama-gqa with rotary embeddings whose angles change when a text becomes longer than 20 tokens. */
public enum OutgrownModel {
    LONGROPE(128, """
            {"rope_parameters": {"rope_type": "longrope", "rope_theta": 10000.0, "original_max_position_embeddings": 20,
             "factor": 6.4, "short_factor": [1.0, 1.05], "long_factor": [3.0, 4.5]}}"""), DYNAMIC(20, """
            {"rope_parameters": {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 8.0}}""");

    private final int maxPositions;
    private final String settings;

    OutgrownModel(int maxPositions, String settings) {
        this.maxPositions = maxPositions;
        this.settings = settings;
    }

    /** Writes the model below a folder, with the tokenizer of {@link WordModels}. */
    public Path write(Path folder) throws IOException {
        Path model = WordModels.copy("llama-gqa", folder);
        ConfigTree rope = ConfigTree.read(Files.writeString(folder.resolve("rope.json"), settings));
        Path config = model.resolve("config.json");
        Files.writeString(config, ConfigTree.read(config).edited(root -> {
            root.put("max_position_embeddings", maxPositions);
            rope.edited(values -> root.setAll(values));
        }).toJson());
        return model;
    }
}
