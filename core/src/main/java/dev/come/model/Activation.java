package dev.come.model;

import dev.come.InvalidInputException;
import dev.come.checkpoint.Shown;
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

    static Activation named(String name) {
        return Arrays.stream(values()).filter(activation -> activation.names.contains(name)).findFirst()
                .orElseThrow(() -> new InvalidInputException("config.json: hidden_act is \"" + Shown.of(name)
                        + "\", known are " + Arrays.stream(values()).flatMap(a -> a.names.stream()).toList()
                        + "; this model cannot be computed here"));
    }
}
