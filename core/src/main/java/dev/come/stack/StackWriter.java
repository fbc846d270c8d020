package dev.come.stack;

import dev.come.checkpoint.CheckpointWriter;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.DType;
import dev.come.checkpoint.TensorSpec;
import dev.come.memory.Retained;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.model.SavedConfig;
import dev.come.model.Wrapper;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** A stack of layers into a model folder, one layer in memory at a time. */
public final class StackWriter {
    private final LayerStore store;
    private final ModelConfig config;
    private final LayerStack stack;
    private final SavedConfig saved;
    private final List<TensorSpec> specs = new ArrayList<>();
    private final Map<String, Place> places = new HashMap<>();
    /** How the tensors outside of the layers are asked for, by the names that they are written under. */
    private final Map<String, String> outside = new HashMap<>();
    private final UnaryOperator<String> storedNames;

    private record Place(int position, List<Part> parts) {}

    /** Plans the folder of a stack. */
    public StackWriter(LayerStore store, LayerStack stack) {
        this.store = store;
        this.config = store.config();
        this.stack = stack;
        this.saved = new SavedConfig(config, store.checkpoint().config(), stack.firstOriginals());
        this.storedNames = Wrapper.storedNames(store.checkpoint().headers(), config.family());
        config.tensorsBefore().keySet().forEach(this::add);
        List<Integer> firstOriginals = stack.firstOriginals();
        for (int position = 0; position < stack.size(); position++) {
            for (List<Part> parts : config.layerTensors()) {
                String name = storedNames.apply(config.tensorName(position, parts.getFirst()));
                DType stored = store.checkpoint()
                        .info(config.tensorName(firstOriginals.get(position), parts.getFirst())).dtype();
                specs.add(new TensorSpec(name, stored, config.shape(parts)));
                places.put(name, new Place(position, parts));
            }
        }
        config.tensorsAfter().keySet().forEach(this::add);
        store.checkpoint().headers().others().forEach(other -> specs.add(TensorSpec.like(other, other.name())));
    }

    private void add(String name) {
        String written = storedNames.apply(name);
        specs.add(TensorSpec.like(store.checkpoint().info(name), written));
        outside.put(written, name);
    }

    private ConfigTree savedConfig() {
        ConfigTree whole = store.checkpoint().headers().wholeConfig();
        return Wrapper.find(whole).map(wrapper -> wrapper.whole(whole, saved.config())).orElse(saved.config());
    }

    /** What the user should know about the configuration. */
    public List<String> warnings() {
        return saved.warnings();
    }

    /** Bytes of weights that will be written. */
    public long bytes() {
        return specs.stream().mapToLong(TensorSpec::byteLength).sum();
    }

    /**
     * Writes the folder; {@link CheckpointWriter} tells how.
     *
     * @param settings sets what the user asked for: shard size, extra files, overwriting
     */
    public void write(CheckpointWriterSettings settings) {
        CheckpointWriter writer = settings.apply(savedConfig()).source(store.checkpoint().folder());
        try (LayerAtHand layer = new LayerAtHand()) {
            writer.write(specs, spec -> layer.tensor(spec.name()));
        }
    }

    /** Makes a writer for a configuration. */
    public interface CheckpointWriterSettings {
        CheckpointWriter apply(ConfigTree config);
    }

    /** The layer whose tensors are being written: it is made when its first tensor is asked for. */
    private final class LayerAtHand implements AutoCloseable {
        private int position = -1;
        private @Nullable LayerWeights weights;
        private final Retained.Group held = new Retained.Group();

        Tensor tensor(String name) {
            Place place = places.get(name);
            if (place == null) {
                String usual = outside.get(name);
                if (usual == null) { // of another part of the model, which is copied whatever it holds
                    return store.checkpoint().tensor(name);
                }
                store.requireFinite("Outside of the layers", usual);
                return store.checkpoint().tensor(usual);
            }
            if (weights == null || place.position() != position) {
                held.close();
                try (var _ = new PointerScope()) {
                    weights = store.materialise(stack.get(place.position()));
                    store.requireFinite(stack.get(place.position()), weights);
                    weights.asMap().values().forEach(held::keep);
                }
                position = place.position();
            }
            return weights.stored(config, place.parts());
        }

        @Override
        public void close() {
            held.close();
        }
    }
}
