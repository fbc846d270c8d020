package dev.come.model;

import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** The activation function of the feed-forward part, under the names that configurations use ({@code hidden_act}). */
enum Activation {
    SILU("silu", "swish") {
        @Override
        Tensor of(Tensor x) {
            return torch.silu(x);
        }

        @Override
        void inPlace(Tensor x) {
            torch.silu_(x);
        }
    },
    GELU("gelu") {
        @Override
        Tensor of(Tensor x) {
            return torch.gelu(x);
        }

        @Override
        void inPlace(Tensor x) {
            torch.gelu_(x);
        }
    },
    GELU_TANH("gelu_pytorch_tanh", "gelu_new", "gelu_fast") {
        @Override
        Tensor of(Tensor x) {
            return torch.gelu(x, "tanh");
        }

        @Override
        void inPlace(Tensor x) {
            torch.gelu_(x, "tanh");
        }
    },
    RELU("relu") {
        @Override
        Tensor of(Tensor x) {
            return torch.relu(x);
        }

        @Override
        void inPlace(Tensor x) {
            torch.relu_(x);
        }
    },
    SQUARED_RELU("relu2") {
        @Override
        Tensor of(Tensor x) {
            return torch.relu(x).square();
        }

        @Override
        void inPlace(Tensor x) {
            torch.relu_(x).square_();
        }
    };

    @SuppressWarnings("ImmutableEnumChecker") // List.of gives an immutable list
    private final List<String> names;

    Activation(String... names) {
        this.names = List.of(names);
    }

    abstract Tensor of(Tensor x);

    abstract void inPlace(Tensor x);

    /** The one of a name that {@link #known} gives. */
    static Activation named(String name) {
        return Arrays.stream(values()).filter(activation -> activation.names.contains(name)).findFirst().orElseThrow();
    }

    /** All names. */
    static List<String> known() {
        return Arrays.stream(values()).flatMap(activation -> activation.names.stream()).toList();
    }
}
