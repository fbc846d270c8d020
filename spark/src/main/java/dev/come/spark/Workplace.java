package dev.come.spark;

import dev.come.calibration.Recipe;
import dev.come.calibration.Shard;
import dev.come.checkpoint.Checkpoint;
import dev.come.failure.Opening;
import dev.come.model.Compute;
import dev.come.model.ModelConfig;
import dev.come.run.ModelRecipe;
import dev.come.run.Piece;
import dev.come.stack.LayerStore;
import dev.come.stack.TrainedLayers;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.broadcast.Broadcast;
import org.jspecify.annotations.Nullable;

/**
 * What this executor has of a run: the model, layers that were trained meanwhile, and the shards that it owns. What belongs to
 * another run is freed when the next begins. Nothing is lost with it but time.
 */
final class Workplace implements AutoCloseable {
    private static @Nullable Workplace current;

    private final String run;
    private final Path folder;
    private final Checkpoint checkpoint;
    private final TrainedLayers trained;
    private final LayerStore store;
    private final Map<Integer, Shard> shards = new HashMap<>();

    private Workplace(String run, ModelRecipe model, Path localFolder) {
        this.run = run;
        try (Opening opening = new Opening()) {
            this.checkpoint = model.open();
            opening.add(checkpoint::close);
            this.folder = Files.createTempDirectory(localFolder, "come");
            this.trained = new TrainedLayers(folder);
            this.store = new LayerStore(checkpoint, ModelConfig.of(checkpoint)).with(trained);
            opening.done();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * That of a run, which is made if it is not here.
     *
     * @param shipped the files of the model that came with Spark's, as {@link ShippedModel} tells
     * @param localFolder one that Spark removes with the executor
     */
    static synchronized Workplace of(String run, ModelRecipe model, Map<String, String> shipped, Path localFolder) {
        if (current == null || !current.run.equals(run)) {
            if (current != null) {
                current.close();
                current = null;
            }
            current = new Workplace(run, shipped.isEmpty() ? model : ShippedModel.here(model, shipped, localFolder),
                    localFolder);
        }
        return current;
    }

    /** Fetches the weights of layers that are not here yet. */
    synchronized void fetch(Map<String, List<Broadcast<byte[]>>> layers) {
        layers.forEach((name, pieces) -> {
            Path file = folder.resolve(name);
            if (!Files.exists(file)) {
                fetch(file, pieces);
            }
        });
    }

    private static void fetch(Path file, List<Broadcast<byte[]>> pieces) {
        Path part = file.resolveSibling(file.getFileName() + ".part");
        try {
            try (var out = Files.newOutputStream(part)) {
                for (Broadcast<byte[]> piece : pieces) {
                    out.write(piece.value());
                }
            }
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A shard, which is made if it is not here. */
    synchronized Shard shard(Recipe recipe, int number, int threads) {
        return shards.computeIfAbsent(number, shard -> recipe.shard(shard, store, threads, folder));
    }

    /** Frees a shard that may be half done. */
    synchronized void forget(int number) {
        Shard shard = shards.remove(number);
        if (shard != null) {
            shard.close();
        }
    }

    /** Where pieces of work are done. */
    Piece.Place place(ModelRecipe model, long memory, int threads) {
        return new Piece.Place(store, new Compute(model.type(), "cpu", threads), memory, folder);
    }

    @Override
    public synchronized void close() {
        shards.values().forEach(Shard::close);
        shards.clear();
        trained.close();
        checkpoint.close();
    }
}
