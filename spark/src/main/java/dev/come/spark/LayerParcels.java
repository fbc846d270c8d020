package dev.come.spark;

import dev.come.FailedException;
import dev.come.checkpoint.IoReason;
import dev.come.model.LayerWeights;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerNode.Training;
import dev.come.stack.LayerStore;
import dev.come.stack.TrainedLayers;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.spark.SparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.bytedeco.javacpp.PointerScope;

/** Trained layers on their way to executors. Each goes in pieces, which executors pass on to each other. */
final class LayerParcels implements AutoCloseable {
    private static final int PIECE = 32 << 20;
    /** Of those that no message speaks of, so many stay, since the next one may. */
    private static final int IDLE = 8;

    private final SparkContext spark;
    private final Path folder;
    private final TrainedLayers own;
    private final LayerStore store;
    /** Those that were used last come last. */
    private final SequencedMap<Trained, List<Broadcast<byte[]>>> sent = new LinkedHashMap<>();

    /** @param store has the weights of trained layers, but for those that are {@link #add added} */
    LayerParcels(SparkContext spark, LayerStore store) {
        this.spark = spark;
        try {
            this.folder = Files.createTempDirectory("come-spark");
        } catch (IOException e) {
            throw unusable(e);
        }
        this.own = new TrainedLayers(folder);
        this.store = store.with(own);
    }

    private static FailedException unusable(IOException e) {
        return new FailedException("The temporary folder " + System.getProperty("java.io.tmpdir")
                + " cannot be used (" + IoReason.of(e) + "); give java -Djava.io.tmpdir=FOLDER another", e);
    }

    /** Makes layers here, those that were added too. */
    LayerStore store() {
        return store;
    }

    /** Takes a layer with other weights. */
    Trained add(LayerNode node, int position, LayerWeights weights) {
        return own.add(store.config(), node, Training.REFITTED, position, weights);
    }

    /** The pieces of layers, by the names of their files. */
    Map<String, List<Broadcast<byte[]>>> of(Set<Trained> layers) {
        Map<String, List<Broadcast<byte[]>>> pieces = new HashMap<>();
        for (Trained layer : layers) {
            List<Broadcast<byte[]>> parts = sent.remove(layer);
            sent.putLast(layer, parts == null ? send(layer) : parts);
            pieces.put(TrainedLayers.name(layer), sent.get(layer));
        }
        while (sent.size() > layers.size() + IDLE) {
            sent.pollFirstEntry().getValue().forEach(Broadcast::destroy);
        }
        return pieces;
    }

    private List<Broadcast<byte[]>> send(Trained layer) {
        Path file = folder.resolve(TrainedLayers.name(layer));
        if (!Files.exists(file)) {
            try (var _ = new PointerScope()) {
                own.add(store.config(), layer.start(), layer.training(), layer.position(), store.materialise(layer));
            }
        }
        List<Broadcast<byte[]>> pieces = new ArrayList<>();
        try (InputStream in = Files.newInputStream(file)) {
            for (byte[] piece = in.readNBytes(PIECE); piece.length > 0; piece = in.readNBytes(PIECE)) {
                pieces.add(spark.broadcast(piece, Executors.tag(byte[].class)));
            }
        } catch (IOException e) {
            throw unusable(e);
        }
        return pieces;
    }

    @Override
    public void close() {
        sent.values().forEach(pieces -> pieces.forEach(Broadcast::destroy));
        sent.clear();
        own.close();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.deleteIfExists(file);
            }
            Files.deleteIfExists(folder);
        } catch (IOException e) {
            throw unusable(e);
        }
    }
}
