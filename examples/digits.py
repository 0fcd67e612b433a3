"""A trained scikit-learn model in production, asked over HTTP. Needs `pip install clipper-sls[sklearn]`."""

import httpx2
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from clipper_sls import ClipperConnection, LocalContainerManager
from clipper_sls.deployers.python import create_endpoint

images, labels = load_digits(return_X_y=True)
train_images, test_images, train_labels, test_labels = train_test_split(images, labels, random_state=0)
model = LogisticRegression(max_iter=5000).fit(train_images, train_labels)


def recognise(inputs):
    return model.predict(inputs).tolist()


connection = ClipperConnection(LocalContainerManager("digits-example"))
connection.start_clipper()
try:
    create_endpoint(connection, "digits", "doubles", recognise, default_output="?", slo_micros=500_000)
    url = f"http://{connection.get_query_addr()}/digits/predict"

    one = httpx2.post(url, json={"input": test_images[0].tolist()}).json()
    print(f"one digit: {one['output']}, it is a {test_labels[0]}")

    many = httpx2.post(url, json={"input_batch": test_images.tolist()}).json()["batch_predictions"]
    right = sum(answer["output"] == label for answer, label in zip(many, test_labels, strict=True))
    print(f"{right} of {len(test_labels)} right over HTTP, {model.score(test_images, test_labels):.1%} in process")
finally:
    connection.stop_all()
