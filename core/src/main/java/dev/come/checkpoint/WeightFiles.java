package dev.come.checkpoint;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/** Which files of a folder hold the weights of a model. */
final class WeightFiles {
    private WeightFiles() {
    }

    /** The safetensors files of a folder, by their names. */
    static SortedMap<String, FileParts> in(Path folder) {
        SortedMap<String, FileParts> weights = new TreeMap<>();
        try (DirectoryStream<Path> there = Files.newDirectoryStream(folder, "*.safetensors")) {
            for (Path file : there) {
                if (Files.exists(file) && !Files.isDirectory(file)) {
                    weights.put(file.getFileName().toString(), FileParts.of(file));
                }
            }
            return weights;
        } catch (IOException e) {
            throw new CheckpointException("%s cannot be listed (%s)".formatted(folder, IoReason.of(e)), e);
        }
    }

    /** The index of a folder that has no model.safetensors. */
    static Path index(Path folder, Set<String> weights) {
        Path index = folder.resolve(ShardIndex.FILE_NAME);
        if (Files.exists(index)) {
            return index;
        }
        if (!weights.isEmpty()) {
            throw new CheckpointException(
                    ("%s: there are .safetensors files, but neither %s nor %s, which says what lies in "
                            + "them; fetch it too")
                            .formatted(folder, CheckpointHeaders.SINGLE_FILE, ShardIndex.FILE_NAME));
        }
        if (hasFile(folder, "*.gguf")) {
            throw new CheckpointException(
                    "%s: the weights are in a GGUF file; give the path of that file instead of the folder's"
                            .formatted(folder));
        }
        if (hasFile(folder, "*.{bin,pth,pt}")) {
            throw new CheckpointException(
                    ("%s: the weights are not in the safetensors format, and no other is read; save the "
                            + "model with transformers' save_pretrained and give that folder").formatted(folder));
        }
        throw new CheckpointException("%s: neither %s nor %s is there; give a folder that holds the model's weights"
                .formatted(folder, CheckpointHeaders.SINGLE_FILE, ShardIndex.FILE_NAME));
    }

    private static boolean hasFile(Path folder, String glob) {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, glob)) {
            return files.iterator().hasNext();
        } catch (IOException e) {
            throw new CheckpointException("%s cannot be listed (%s)".formatted(folder, IoReason.of(e)), e);
        }
    }
}
