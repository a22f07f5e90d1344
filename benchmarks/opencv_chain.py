"""Brightness, blur, gradient and threshold with OpenCV: `python opencv_chain.py INPUT OUTPUT THREADS`."""

import sys

import cv2
import numpy as np

cv2.setNumThreads(int(sys.argv[3]))
image = np.asarray(cv2.imread(sys.argv[1], cv2.IMREAD_GRAYSCALE), np.float32)
soft = cv2.GaussianBlur(image, (13, 13), 1.4)
size = cv2.magnitude(cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1))
cv2.imwrite(sys.argv[2], cv2.threshold(size, 100, 255, cv2.THRESH_BINARY)[1].astype(np.uint8))
