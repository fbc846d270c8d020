package dev.come.hub;

import dev.come.checkpoint.FileParts;
import java.nio.file.Path;
import java.util.Map;

/**
 * A model with everything fetched, but for the weights if these were not there before.
 *
 * @param folder the folder in the cache where the files are that were fetched
 * @param weights the safetensors files by their names, of which parts can be read wherever they lie
 */
public record RemoteModel(Path folder, Map<String, FileParts> weights) {
    public RemoteModel {
        weights = Map.copyOf(weights);
    }

    /** Whether the weights are in the folder too. */
    public boolean isWhole() {
        return weights.entrySet().stream()
                .allMatch(file -> file.getValue().equals(FileParts.of(folder.resolve(file.getKey()))));
    }
}
